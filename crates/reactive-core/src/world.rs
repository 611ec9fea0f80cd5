//! Flags together with the handlers that depend on them: all that one change touches.

use crate::bitset::BitSet;
use crate::conditions::Handlers;
use crate::flags::Flags;
use crate::ids::FlagId;

/// What triggers and dispatch both work on.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) flags: Flags,
    pub(crate) handlers: Handlers,
}

impl World {
    /// Changes one flag, which must not be so already, and whatever depends on it.
    pub(crate) fn toggle(&mut self, flag: FlagId, on: bool) {
        self.flags.write(flag, on);
        self.handlers.flag_changed(flag, on);
    }

    /// Makes exactly these flags the ones that are set; what that changed, first those cleared,
    /// then those set, each group sorted by name.
    pub(crate) fn load(&mut self, mut wanted: Vec<FlagId>) -> Vec<(FlagId, bool)> {
        let mut keep = BitSet::default();
        wanted.retain(|&flag| keep.insert(flag.index()) && !self.flags.is_set(flag));
        let mut cleared: Vec<FlagId> =
            self.flags.iter().filter(|flag| !keep.contains(flag.index())).collect();
        self.flags.sort(&mut cleared);
        self.flags.sort(&mut wanted);

        let changes: Vec<(FlagId, bool)> = cleared
            .into_iter()
            .map(|flag| (flag, false))
            .chain(wanted.into_iter().map(|flag| (flag, true)))
            .collect();
        for &(flag, on) in &changes {
            self.toggle(flag, on);
        }
        changes
    }
}
