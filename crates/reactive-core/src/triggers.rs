//! Triggers: what follows from a change of a flag, depth first.

use std::collections::HashSet;
use std::sync::Arc;

use crate::error::Error;
use crate::flags::Mark;
use crate::ids::{narrow, CallbackId, FlagId};
use crate::world::World;

/// One thing that followed from a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The flag was set.
    Set(FlagId),
    /// The flag was cleared.
    Clear(FlagId),
    /// The driver has to run this callback and then resume the change.
    Call(CallbackId),
}

/// A trigger as it was registered: an edge of a flag and what follows from it, each list in order
/// of registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge<'a> {
    /// The flag whose change fires the trigger.
    pub flag: FlagId,
    /// Whether setting the flag fires it; otherwise clearing does.
    pub on: bool,
    /// The flags that it sets.
    pub sets: &'a [FlagId],
    /// The flags that it clears.
    pub clears: &'a [FlagId],
    /// The callbacks that it has the driver run.
    pub callbacks: &'a [CallbackId],
}

/// All triggers, and the changes that are being made.
///
/// Nested changes are frames on a stack of our own: a chain of triggers may be longer than the
/// stack of the thread is deep.
#[derive(Clone, Debug, Default)]
pub(crate) struct Triggers {
    /// In the order in which the edges were first named.
    registered: Vec<Trigger>,
    /// By flag, the position in `registered` of the edges off and on.
    edges: Vec<[Option<u32>; 2]>,
    frames: Vec<Frame>,
    /// By flag, how many frames clear it and how many set it.
    open: Vec<[u32; 2]>,
    /// The depth at which each call of `change` that waits for a callback began.
    bases: Vec<usize>,
}

#[derive(Clone, Debug)]
struct Trigger {
    flag: FlagId,
    on: bool,
    /// Shared with the frames that run them: registering more while one runs makes a copy.
    actions: Arc<Actions>,
}

/// The actions of one edge, each list in order of registration and without repetition.
#[derive(Clone, Debug, Default)]
struct Actions {
    sets: Vec<FlagId>,
    clears: Vec<FlagId>,
    callbacks: Vec<CallbackId>,
    /// All of them, so that naming one more costs the same however many there are.
    known: HashSet<Effect>,
}

/// A change that is being made: its actions, fixed when it began, and how far they have come.
#[derive(Clone, Debug)]
struct Frame {
    flag: FlagId,
    on: bool,
    actions: Arc<Actions>,
    position: usize,
}

impl Triggers {
    /// Registers actions for an edge; naming an edge without any still gives it its place.
    pub(crate) fn add(
        &mut self,
        flag: FlagId,
        on: bool,
        set: Option<FlagId>,
        clear: Option<FlagId>,
        callback: Option<CallbackId>,
    ) {
        let edge = &mut slot(&mut self.edges, flag)[usize::from(on)];
        let at = *edge.get_or_insert_with(|| {
            self.registered.push(Trigger { flag, on, actions: Arc::default() });
            narrow(self.registered.len() - 1)
        });
        let actions = Arc::make_mut(&mut self.registered[at as usize].actions);
        let known = &mut actions.known;
        actions.sets.extend(set.filter(|&flag| known.insert(Effect::Set(flag))));
        actions.clears.extend(clear.filter(|&flag| known.insert(Effect::Clear(flag))));
        actions.callbacks.extend(callback.filter(|&number| known.insert(Effect::Call(number))));
    }

    /// Every edge that sets or clears something, in the order in which the edges were first named.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Edge<'_>> {
        self.registered
            .iter()
            .map(Trigger::edge)
            .filter(|edge| !edge.sets.is_empty() || !edge.clears.is_empty())
    }

    /// The trigger of one edge, if that was ever named.
    pub(crate) fn get(&self, flag: FlagId, on: bool) -> Option<Edge<'_>> {
        self.find(flag, on).map(Trigger::edge)
    }

    /// Forgets all triggers. Changes that are being made go on with the actions they have.
    pub(crate) fn clear(&mut self) {
        self.registered.clear();
        self.edges.clear();
    }

    /// Makes a change, which must be one, and what follows from it up to the first callback.
    pub(crate) fn change(
        &mut self,
        world: &mut World,
        flag: FlagId,
        on: bool,
    ) -> Result<Vec<Effect>, Error> {
        if slot(&mut self.open, flag)[usize::from(on)] > 0 {
            return Err(self.cycle(world, flag, on)); // a callback on the way has asked for it
        }
        let mark = world.flags.mark();
        world.handlers.begin_call();
        let base = self.frames.len();
        self.bases.push(base);
        self.enter(world, flag, on);
        self.propagate(world, base, mark).inspect_err(|_| {
            // The effects are reverted by now; the change they follow from is not.
            world.toggle(flag, !on);
            world.handlers.hear_again(&world.flags);
            world.flags.forget_since(mark);
        })
    }

    /// Goes on with the innermost change that waits for a callback.
    pub(crate) fn resume(&mut self, world: &mut World) -> Result<Vec<Effect>, Error> {
        let &base = self.bases.last().ok_or(Error::NoChangeWaiting)?;
        let mark = world.flags.mark();
        world.handlers.begin_call();
        self.propagate(world, base, mark)
    }

    /// How many changes wait for a callback.
    pub(crate) fn waiting(&self) -> usize {
        self.bases.len()
    }

    /// Gives up the innermost change that waits for a callback; harmless if there is none.
    pub(crate) fn unwind(&mut self) {
        if let Some(base) = self.bases.pop() {
            while self.frames.len() > base {
                self.leave();
            }
        }
    }

    /// Runs actions until a callback is due or the innermost change is over.
    fn propagate(
        &mut self,
        world: &mut World,
        base: usize,
        mark: Mark,
    ) -> Result<Vec<Effect>, Error> {
        let mut effects = Vec::new();
        while self.frames.len() > base {
            let Some(action) = self.next_action() else {
                self.leave();
                continue;
            };
            let (flag, on) = match action {
                Effect::Set(flag) => (flag, true),
                Effect::Clear(flag) => (flag, false),
                Effect::Call(_) => {
                    effects.push(action);
                    return Ok(effects);
                }
            };
            if world.flags.is_set(flag) == on {
                continue;
            }
            if slot(&mut self.open, flag)[usize::from(on)] > 0 {
                let cycle = self.cycle(world, flag, on);
                revert(world, &effects, mark);
                self.unwind();
                return Err(cycle);
            }
            effects.push(action);
            self.enter(world, flag, on);
        }
        self.bases.pop();
        Ok(effects)
    }

    /// Makes one change and, if it has a trigger, begins its actions.
    fn enter(&mut self, world: &mut World, flag: FlagId, on: bool) {
        world.toggle(flag, on);
        let Some(trigger) = self.find(flag, on) else {
            return;
        };
        let actions = Arc::clone(&trigger.actions);
        self.frames.push(Frame { flag, on, actions, position: 0 });
        slot(&mut self.open, flag)[usize::from(on)] += 1;
    }

    fn find(&self, flag: FlagId, on: bool) -> Option<&Trigger> {
        let at = self.edges.get(flag.index())?[usize::from(on)]?;
        self.registered.get(at as usize)
    }

    fn leave(&mut self) {
        if let Some(Frame { flag, on, .. }) = self.frames.pop() {
            slot(&mut self.open, flag)[usize::from(on)] -= 1;
        }
    }

    /// The next action of the innermost frame, `None` if it has no more.
    fn next_action(&mut self) -> Option<Effect> {
        let frame = self.frames.last_mut()?;
        let action = frame.actions.get(frame.position)?;
        frame.position += 1;
        Some(action)
    }

    /// The cycle that this change would close.
    fn cycle(&self, world: &World, flag: FlagId, on: bool) -> Error {
        let same = |frame: &Frame| frame.flag == flag && frame.on == on;
        let first = self.frames.iter().position(same).unwrap_or(self.frames.len());
        let changes = self.frames[first..].iter().map(|frame| (frame.flag, frame.on));
        Error::TriggerCycle(
            changes
                .chain([(flag, on)])
                .map(|(flag, on)| (world.flags.name(flag).unwrap_or_default().to_owned(), on))
                .collect(),
        )
    }
}

impl Trigger {
    fn edge(&self) -> Edge<'_> {
        let Actions { sets, clears, callbacks, .. } = &*self.actions;
        Edge { flag: self.flag, on: self.on, sets, clears, callbacks }
    }
}

impl Actions {
    fn get(&self, position: usize) -> Option<Effect> {
        let clear = position.checked_sub(self.sets.len());
        let call = clear.and_then(|position| position.checked_sub(self.clears.len()));
        match (clear, call) {
            (_, Some(at)) => self.callbacks.get(at).copied().map(Effect::Call),
            (Some(at), None) => self.clears.get(at).copied().map(Effect::Clear),
            (None, None) => self.sets.get(position).copied().map(Effect::Set),
        }
    }
}

/// Takes effects back, the last one first.
fn revert(world: &mut World, effects: &[Effect], mark: Mark) {
    for effect in effects.iter().rev() {
        match *effect {
            Effect::Set(flag) => world.toggle(flag, false),
            Effect::Clear(flag) => world.toggle(flag, true),
            Effect::Call(_) => {}
        }
    }
    world.handlers.hear_again(&world.flags);
    world.flags.forget_since(mark);
}

/// The entry of a flag in a table by flag, which grows as needed.
fn slot<T: Clone + Default>(table: &mut Vec<T>, flag: FlagId) -> &mut T {
    if flag.index() >= table.len() {
        table.resize(flag.index() + 1, T::default());
    }
    &mut table[flag.index()]
}
