//! What the engine refuses to do.

use std::fmt;

use crate::ids::HandlerId;

/// Why the engine refused a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// There is no handler with this id.
    NoSuchHandler(HandlerId),
    /// A chain of triggers came back to a change that was still being made.
    ///
    /// Each step is a flag and whether it was set; the last step is the first one again.
    TriggerCycle(Vec<(String, bool)>),
    /// The driver went on with a change, but none waits for a callback.
    NoChangeWaiting,
    /// The driver began a dispatch while another one is running.
    DispatchRunning,
    /// The driver asked for a step, but no dispatch is running.
    NoDispatch,
    /// The driver asked for a step before it told whether this handler's predicates hold.
    Unanswered(HandlerId),
    /// The driver answered a test that was not asked.
    NotAsked,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchHandler(handler) => write!(f, "no such handler: {handler}"),
            Self::TriggerCycle(steps) => {
                f.write_str("triggers form a cycle")?;
                for (position, (flag, on)) in steps.iter().enumerate() {
                    let before = if position == 0 { ":" } else { " ->" };
                    let verb = if *on { "set" } else { "clear" };
                    write!(f, "{before} {verb} {flag}")?;
                }
                Ok(())
            }
            Self::NoChangeWaiting => f.write_str("no change is waiting for a callback"),
            Self::DispatchRunning => f.write_str("a dispatch is running already"),
            Self::NoDispatch => f.write_str("no dispatch is running"),
            Self::Unanswered(handler) => {
                write!(f, "handler {handler} was asked about and has no answer yet")
            }
            Self::NotAsked => f.write_str("no handler was asked about"),
        }
    }
}

impl std::error::Error for Error {}
