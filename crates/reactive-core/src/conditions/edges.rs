//! Edges: what handlers hear of flags that become set or cleared, once each time.
//!
//! An edge is due while its flag is so and its handler has not heard of it since it became so. That
//! none of its edges is due counts as one more failing condition of a handler that has any.

use super::Handlers;
use crate::flags::Flags;
use crate::ids::{narrow, FlagId, HandlerId};
use crate::phases::Phase;

/// That a flag becomes set, or cleared, as one handler hears of it.
#[derive(Clone, Debug)]
pub(super) struct HandlerEdge {
    handler: HandlerId,
    flag: FlagId,
    on: bool,
    /// Only ever while the flag is so.
    heard: bool,
}

impl Handlers {
    /// Lets the handler hear of an edge; the same one twice is one.
    pub(crate) fn add_edge(&mut self, id: HandlerId, flag: FlagId, on: bool, flags: &Flags) {
        if self.find_edge(id, flag, on).is_some() {
            return;
        }
        let number = narrow(self.edges.len());
        self.edges.push(HandlerEdge { handler: id, flag, on, heard: false });
        self.dependents_mut(flag).edges.push(number);
        let edges = &mut self.records[id.index()].edges;
        edges.push(number);
        if edges.len() == 1 {
            self.hearing.insert(id);
            self.confine(id, Phase::Other.into());
            self.count_failing(id, true);
        }
        self.watch(id, &[flag]);
        if flags.is_set(flag) == on {
            self.count_due(id, true);
        }
    }

    /// Notes that the handler has heard of an edge, if it has that edge and the flag is so.
    pub(crate) fn hear(&mut self, id: HandlerId, flag: FlagId, on: bool, flags: &Flags) {
        if let Some(number) = self.find_edge(id, flag, on) {
            self.hear_edge(number, flags);
        }
    }

    /// Lets the handler hear of all its edges that are due.
    pub(crate) fn hear_all(&mut self, id: HandlerId, flags: &Flags) {
        for position in 0..self.records[id.index()].edges.len() {
            let number = self.records[id.index()].edges[position];
            self.hear_edge(number, flags);
        }
    }

    /// The edges that the handler has heard of, in the order in which they were added.
    pub(crate) fn heard(&self, id: HandlerId) -> impl Iterator<Item = (FlagId, bool)> + '_ {
        let edges = self.records[id.index()].edges.iter();
        let edges = edges.map(|&number| &self.edges[number as usize]);
        edges.filter(|edge| edge.heard).map(|edge| (edge.flag, edge.on))
    }

    /// Makes all edges unheard.
    pub(crate) fn forget_heard(&mut self) {
        for number in 0..self.edges.len() {
            let edge = &mut self.edges[number];
            if edge.heard {
                edge.heard = false;
                let handler = edge.handler;
                self.count_due(handler, true);
            }
        }
    }

    /// Whether the handler has edges.
    pub(crate) fn has_edges(&self, id: HandlerId) -> bool {
        !self.records[id.index()].edges.is_empty()
    }

    /// Tells the edges of a flag that it has changed.
    pub(super) fn flag_moved(&mut self, flag: FlagId, on: bool) {
        for position in 0..self.dependents[flag.index()].edges.len() {
            let number = self.dependents[flag.index()].edges[position];
            let edge = &mut self.edges[number as usize];
            let handler = edge.handler;
            if edge.on == on {
                self.count_due(handler, true);
            } else if edge.heard {
                edge.heard = false;
                self.unheard.push(number);
            } else {
                self.count_due(handler, false);
            }
        }
    }

    /// Begins to note which edges a call makes unheard.
    pub(crate) fn begin_call(&mut self) {
        self.unheard.clear();
    }

    /// Makes the edges heard again that the running call has made unheard, as far as it is taken back.
    pub(crate) fn hear_again(&mut self, flags: &Flags) {
        for position in 0..self.unheard.len() {
            self.hear_edge(self.unheard[position], flags);
        }
    }

    fn find_edge(&self, id: HandlerId, flag: FlagId, on: bool) -> Option<u32> {
        let same = |&&number: &&u32| {
            let edge = &self.edges[number as usize];
            edge.flag == flag && edge.on == on
        };
        self.records[id.index()].edges.iter().find(same).copied()
    }

    fn hear_edge(&mut self, number: u32, flags: &Flags) {
        let edge = &mut self.edges[number as usize];
        if !edge.heard && flags.is_set(edge.flag) == edge.on {
            edge.heard = true;
            let handler = edge.handler;
            self.count_due(handler, false);
        }
    }

    fn count_due(&mut self, id: HandlerId, one_more: bool) {
        let due = &mut self.records[id.index()].due;
        let before = *due;
        if one_more {
            *due += 1;
        } else {
            *due -= 1;
        }
        if (before > 0) != (*due > 0) {
            self.count_failing(id, before > 0);
        }
    }
}
