//! The phases of a dispatch, and sets of them.

/// A part of a dispatch. The numbers are bits, so that phases form sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Phase {
    /// Handlers of the hook itself; iteration 0 only.
    Hooks = 1,
    /// Handlers of flags, iteration after iteration until none matches.
    Other = 2,
    /// The only phase of a restricted hook.
    Restricted = 4,
}

/// A set of phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Phases(u8);

impl Phase {
    /// Every phase there is.
    pub const ALL: [Self; 3] = [Self::Hooks, Self::Other, Self::Restricted];

    /// The position of the phase in [`Phase::ALL`].
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Hooks => 0,
            Self::Other => 1,
            Self::Restricted => 2,
        }
    }
}

impl Phases {
    /// The phases whose bits are set; other bits mean nothing.
    ///
    /// ```
    /// use reactive_core::{Phase, Phases};
    ///
    /// let phases = Phases::from_bits(Phase::Hooks as u8 | Phase::Restricted as u8);
    /// assert!(phases.contains(Phase::Hooks));
    /// assert!(!phases.contains(Phase::Other));
    /// ```
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Whether the phase is in the set.
    #[must_use]
    pub fn contains(self, phase: Phase) -> bool {
        self.0 & phase as u8 != 0
    }
}

impl From<Phase> for Phases {
    fn from(phase: Phase) -> Self {
        Self(phase as u8)
    }
}
