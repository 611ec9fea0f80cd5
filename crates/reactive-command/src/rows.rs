//! The rows of the unit state that are the framework's: their keys.

/// Below it, one row for each flag that is set.
pub(crate) const FLAGS: &str = "reactive.states.";
/// Below them, which handlers have heard that a flag was set, or cleared, and is so still.
pub(crate) const HEARD_SET: &str = "reactive.heard.set.";
pub(crate) const HEARD_CLEAR: &str = "reactive.heard.clear.";
/// Below it, one row for each thing that was marked as done.
pub(crate) const INVOKED: &str = "reactive.invoked.";
/// Below them, what follows when a flag is set or cleared.
pub(crate) const SET_TRIGGERS: &str = "reactive.flag_set_triggers.";
pub(crate) const CLEAR_TRIGGERS: &str = "reactive.flag_clear_triggers.";
/// The phase of the dispatch that has lent its state.
pub(crate) const PHASE: &str = "reactive.dispatch.phase";
/// Whether a flag was cleared.
pub(crate) const REMOVED: &str = "reactive.dispatch.removed_state";
/// The changes for the dispatch that waits.
pub(crate) const CHANGES: &str = "reactive.dispatch.changes";
/// Iteration of the dispatch, and the flags that changed in it and before it.
pub(crate) const WATCH: &str = "reactive.state_watch";
/// Rows that are to stay as they are if the hook that has lent its state is undone.
pub(crate) const KEPT: &str = "reactive.dispatch.kept";
/// The hook that has lent its state, and whose rows are to be undone if it does not come back.
pub(crate) const ARMED: &str = "reactive.dispatch.undo.armed";
