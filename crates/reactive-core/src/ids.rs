//! Small numbers that stand for flags, handlers and callbacks.

use std::fmt;

/// A flag, by the order in which its engine first met its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlagId(u32);

/// A handler, by the order in which it was added: 0, 1, 2, …
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandlerId(pub u32);

/// A callback of a trigger. Its number is the driver's own and means nothing to the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallbackId(pub u64);

impl FlagId {
    pub(crate) fn new(index: usize) -> Self {
        Self(narrow(index))
    }

    /// The number as an index: flags are numbered 0, 1, 2, …
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl HandlerId {
    pub(crate) fn new(index: usize) -> Self {
        Self(narrow(index))
    }

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for HandlerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An index as it is kept in an id. Every flag, handler and condition takes tens of bytes, so that
/// memory ends long before 32 bits do.
pub(crate) fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
