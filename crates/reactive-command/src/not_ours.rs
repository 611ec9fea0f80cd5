//! What this program leaves to the command in Python.

/// Why this program leaves a command to the one in Python. Nothing has been written or printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOurs {
    /// It is not one of ours, or something about it or the unit state is out of the ordinary.
    Asked,
    /// Another process holds the unit state, and has been waited for.
    Locked,
}

impl From<rusqlite::Error> for NotOurs {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        match error.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => Self::Locked,
            _ => Self::Asked,
        }
    }
}

impl From<serde_json::Error> for NotOurs {
    fn from(_: serde_json::Error) -> Self {
        Self::Asked
    }
}
