//! Handlers, their conditions, and the index from each flag to what depends on it.
//!
//! A condition counts how many of its flags are set, a handler counts its conditions that do not
//! hold; a change of a flag touches the conditions over that flag and no others.

mod edges;

use std::collections::BTreeSet;

use crate::bitset::BitSet;
use crate::error::Error;
use crate::flags::{ChangeLog, Flags};
use crate::ids::{narrow, FlagId, HandlerId};
use crate::phases::{Phase, Phases};

use self::edges::HandlerEdge;

/// When a condition over some flags holds. No flags at all is legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Every flag is set; holds over no flags.
    All = 0,
    /// At least one flag is set; does not hold over no flags.
    Any = 1,
    /// No flag is set; holds over no flags.
    None = 2,
    /// At least one flag is not set; does not hold over no flags.
    NotAll = 3,
}

/// All handlers, and which of them may match.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handlers {
    records: Vec<Handler>,
    conditions: Vec<Condition>,
    edges: Vec<HandlerEdge>,
    /// Edges that were heard, and whose flags the running call has changed since.
    unheard: Vec<u32>,
    /// By flag, as far as anything depends on a flag.
    dependents: Vec<Dependents>,
    /// Handlers all of whose conditions hold.
    ready: BitSet,
    /// The handlers that may match in each phase.
    phases: [BitSet; Phase::ALL.len()],
    /// Handlers that watch no flag and may match in phase `Other`.
    unwatching: BTreeSet<HandlerId>,
    /// Handlers with edges.
    hearing: BTreeSet<HandlerId>,
    /// Counts changes in which handlers may match.
    revision: u64,
}

/// What the engine knows of a handler besides what the sets above say.
#[derive(Clone, Debug, Default)]
struct Handler {
    /// How many of its conditions do not hold.
    failing: u32,
    opaque: bool,
    /// Sorted, so that adding to it is a binary search.
    watched: Vec<FlagId>,
    edges: Vec<u32>,
    /// How many of its edges have happened and are not heard.
    due: u32,
}

#[derive(Clone, Debug)]
struct Condition {
    handler: HandlerId,
    kind: Kind,
    /// How many of its flags are set.
    set: u32,
    total: u32,
}

/// What depends on one flag.
#[derive(Clone, Debug, Default)]
struct Dependents {
    conditions: Vec<u32>,
    edges: Vec<u32>,
    watchers: Vec<HandlerId>,
}

impl Handlers {
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// The id, if there is such a handler.
    pub(crate) fn known(&self, id: HandlerId) -> Result<HandlerId, Error> {
        if id.index() < self.len() {
            Ok(id)
        } else {
            Err(Error::NoSuchHandler(id))
        }
    }

    /// Adds a handler that matches always and everywhere.
    pub(crate) fn add(&mut self) -> HandlerId {
        let id = HandlerId::new(self.len());
        self.records.push(Handler::default());
        self.ready.insert(id.index());
        for phase in &mut self.phases {
            phase.insert(id.index());
        }
        self.unwatching.insert(id);
        self.revision += 1;
        id
    }

    pub(crate) fn clear(&mut self) {
        *self = Self { revision: self.revision + 1, ..Self::default() };
    }

    /// Adds a condition over these flags. One that is named twice counts twice wherever it counts,
    /// which comes to the same.
    pub(crate) fn add_condition(
        &mut self,
        id: HandlerId,
        kind: Kind,
        over: &[FlagId],
        flags: &Flags,
    ) {
        let set = over.iter().filter(|&&flag| flags.is_set(flag)).count();
        let condition =
            Condition { handler: id, kind, set: narrow(set), total: narrow(over.len()) };
        let holds = condition.holds();
        let number = narrow(self.conditions.len());
        self.conditions.push(condition);
        for &flag in over {
            self.dependents_mut(flag).conditions.push(number);
        }
        self.confine(id, Phase::Other.into());
        self.watch(id, over);
        if !holds {
            self.count_failing(id, true);
        }
    }

    pub(crate) fn watch(&mut self, id: HandlerId, flags: &[FlagId]) {
        for &flag in flags {
            let watched = &mut self.records[id.index()].watched;
            if let Err(position) = watched.binary_search(&flag) {
                watched.insert(position, flag);
                self.dependents_mut(flag).watchers.push(id);
                self.unwatching.remove(&id);
            }
        }
        self.revision += 1;
    }

    pub(crate) fn confine(&mut self, id: HandlerId, phases: Phases) {
        for phase in Phase::ALL {
            if !phases.contains(phase) {
                self.phases[phase.index()].remove(id.index());
            }
        }
        if !phases.contains(Phase::Other) {
            self.unwatching.remove(&id);
        }
        self.revision += 1;
    }

    pub(crate) fn set_opaque(&mut self, id: HandlerId) {
        self.records[id.index()].opaque = true;
    }

    pub(crate) fn is_opaque(&self, id: HandlerId) -> bool {
        self.records[id.index()].opaque
    }

    pub(crate) fn is_ready(&self, id: HandlerId) -> bool {
        self.ready.contains(id.index())
    }

    pub(crate) fn may_match_in(&self, id: HandlerId, phase: Phase) -> bool {
        self.phases[phase.index()].contains(id.index())
    }

    /// Whether the handler watches one of the flags, or none at all.
    pub(crate) fn is_called_for(&self, id: HandlerId, changed: &ChangeLog) -> bool {
        self.records[id.index()].watched.is_empty() || self.watches_any(id, changed)
    }

    pub(crate) fn watches_any(&self, id: HandlerId, changed: &ChangeLog) -> bool {
        let watched = &self.records[id.index()].watched;
        watched.iter().any(|&flag| changed.contains(flag))
    }

    /// The handlers that watch the flag, in the order in which they began to.
    pub(crate) fn watchers(&self, flag: FlagId) -> &[HandlerId] {
        self.dependents.get(flag.index()).map_or(&[], |dependents| &dependents.watchers)
    }

    /// Tells the conditions over the flag that it is set now, or is not any more.
    pub(crate) fn flag_changed(&mut self, flag: FlagId, on: bool) {
        let Some(dependents) = self.dependents.get_mut(flag.index()) else {
            return;
        };
        // Taken out for the time of the loop, which changes everything else.
        let conditions = std::mem::take(&mut dependents.conditions);
        for &number in &conditions {
            let condition = &mut self.conditions[number as usize];
            let held = condition.holds();
            if on {
                condition.set += 1;
            } else {
                condition.set -= 1;
            }
            if condition.holds() != held {
                let handler = condition.handler;
                self.count_failing(handler, held);
            }
        }
        self.dependents[flag.index()].conditions = conditions;
        self.flag_moved(flag, on);
    }

    /// How often what handlers may match has changed.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// The first handler from `first` on that is ready and may match in the phase.
    pub(crate) fn next_ready(&self, phase: Phase, first: usize) -> Option<HandlerId> {
        self.ready.next_common(&self.phases[phase.index()], first).map(HandlerId::new)
    }

    /// Finds the handlers from `first` on that are ready, may match in phase `Other`, and watch one
    /// of the flags, or none at all, or have edges where that will do; the last one first.
    pub(crate) fn find_ready_watchers(
        &self,
        changed: &[FlagId],
        edges_will_do: bool,
        first: usize,
        found: &mut Vec<HandlerId>,
    ) {
        let first = HandlerId::new(first);
        let other = &self.phases[Phase::Other.index()];
        let matching = |id: &HandlerId| {
            *id >= first && self.ready.contains(id.index()) && other.contains(id.index())
        };
        found.clear();
        found.extend(self.unwatching.range(first..).copied().filter(matching));
        if edges_will_do {
            found.extend(self.hearing.range(first..).copied().filter(matching));
        }
        for &flag in changed {
            found.extend(self.watchers(flag).iter().copied().filter(matching));
        }
        found.sort_unstable_by(|one, other| other.cmp(one));
        found.dedup();
    }

    fn dependents_mut(&mut self, flag: FlagId) -> &mut Dependents {
        let at = flag.index();
        if at >= self.dependents.len() {
            self.dependents.resize_with(at + 1, Dependents::default);
        }
        &mut self.dependents[at]
    }

    fn count_failing(&mut self, id: HandlerId, one_more: bool) {
        let handler = &mut self.records[id.index()];
        if one_more {
            handler.failing += 1;
        } else {
            handler.failing -= 1;
        }
        if handler.failing == 0 {
            self.ready.insert(id.index());
        } else {
            self.ready.remove(id.index());
        }
        self.revision += 1;
    }
}

impl Condition {
    fn holds(&self) -> bool {
        match self.kind {
            Kind::All => self.set == self.total,
            Kind::Any => self.set > 0,
            Kind::None => self.set == 0,
            Kind::NotAll => self.set < self.total,
        }
    }
}
