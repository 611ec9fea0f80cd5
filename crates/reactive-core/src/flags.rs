//! Which flags are set, and which changed when.

use crate::bitset::BitSet;
use crate::ids::FlagId;
use crate::interner::Interner;

/// The flags of a unit and the record of their changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    interner: Interner,
    set: BitSet,
    /// Flags that changed in the previous iteration.
    pub(crate) changed: ChangeLog,
    /// Flags that changed in this iteration so far.
    pub(crate) pending: ChangeLog,
    /// Whether a flag was cleared since the dispatch last had the rest of its queue match anew.
    pub(crate) removed: bool,
}

/// Where the record of changes stood, to go back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pending: usize,
    removed: bool,
}

impl Flags {
    pub(crate) fn lookup(&self, name: &str) -> Option<FlagId> {
        self.interner.lookup(name)
    }

    pub(crate) fn intern(&mut self, name: &str) -> FlagId {
        self.interner.intern(name)
    }

    pub(crate) fn name(&self, flag: FlagId) -> Option<&str> {
        self.interner.name(flag)
    }

    pub(crate) fn is_set(&self, flag: FlagId) -> bool {
        self.set.contains(flag.index())
    }

    pub(crate) fn count(&self) -> usize {
        self.set.len()
    }

    /// The flags that are set, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = FlagId> + '_ {
        self.set.iter().map(FlagId::new)
    }

    /// Sorts by name, that is by code point, which is the order of the bytes of UTF-8.
    pub(crate) fn sort(&self, flags: &mut [FlagId]) {
        flags.sort_by_cached_key(|&flag| self.name(flag));
    }

    /// Sets or clears the flag and takes it down as changed.
    pub(crate) fn write(&mut self, flag: FlagId, on: bool) {
        if on {
            self.set.insert(flag.index());
        } else {
            self.set.remove(flag.index());
            self.removed = true;
        }
        self.pending.add(flag);
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark { pending: self.pending.len(), removed: self.removed }
    }

    /// Forgets the changes taken down since the mark; the flags themselves stay as they are.
    pub(crate) fn forget_since(&mut self, mark: Mark) {
        self.pending.truncate(mark.pending);
        self.removed = mark.removed;
    }

    /// Makes the changes of this iteration those of the previous one.
    pub(crate) fn turn_over(&mut self) {
        std::mem::swap(&mut self.changed, &mut self.pending);
        self.pending.truncate(0);
    }
}

/// Flags in the order of their first change, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct ChangeLog {
    order: Vec<FlagId>,
    members: BitSet,
}

impl ChangeLog {
    pub(crate) fn add(&mut self, flag: FlagId) {
        if self.members.insert(flag.index()) {
            self.order.push(flag);
        }
    }

    pub(crate) fn contains(&self, flag: FlagId) -> bool {
        self.members.contains(flag.index())
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn as_slice(&self) -> &[FlagId] {
        &self.order
    }

    /// Forgets all but the first `len` flags, at the cost of those forgotten.
    pub(crate) fn truncate(&mut self, len: usize) {
        for flag in self.order.drain(len.min(self.order.len())..) {
            self.members.remove(flag.index());
        }
    }
}
