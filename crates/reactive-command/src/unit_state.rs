//! The unit state: rows of one table in a file of `SQLite`.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use serde_json::Value;

use crate::not_ours::NotOurs;
use crate::processes;
use crate::rows::{ARMED, FLAGS};

/// How long to wait for the file, in seconds.
pub(crate) const TIMEOUT_VARIABLE: &str = "CHARMS_REACTIVE_LOCK_TIMEOUT";

/// A dispatch holds the file for as long as a handler in Python runs, which may be installing things.
/// What a hook has started and left running waits for it; somebody on the unit wants an answer.
const DEFAULT_TIMEOUT: f64 = 60.0;
const DEFAULT_TIMEOUT_IN_HOOK: f64 = 3600.0;
const LONGEST_TIMEOUT: f64 = 86400.0;

/// Names the hook whose shell handler has started this process.
const HOOK_VARIABLE: &str = "CHARMS_REACTIVE_HOOK";

/// The unit state in one transaction, which ends with [`UnitState::commit`] or, undone, with this.
pub(crate) struct UnitState {
    connection: Connection,
    /// A hook waits for this process and wants to know what it changes.
    waited_for: bool,
}

impl UnitState {
    /// Opens the file of the unit to read it, as it is at one moment.
    pub(crate) fn open() -> Result<Self, NotOurs> {
        // Never made here: the command in Python does that, and says what is wrong if it cannot.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path()?, flags)?;
        let given = env::var(TIMEOUT_VARIABLE).unwrap_or_default();
        let timeout = timeout(&given, env::var_os(HOOK_VARIABLE).is_some());
        connection.busy_timeout(timeout.ok_or(NotOurs::Asked)?)?;
        let mut state = Self { connection, waited_for: false };
        state.begin("BEGIN")?;
        Ok(state)
    }

    /// Begins anew, with the right to write.
    pub(crate) fn begin_writing(&mut self) -> Result<(), NotOurs> {
        self.commit()?;
        self.begin("BEGIN IMMEDIATE")?;
        // Not before: the hook may have been killed, and undone by the next, while this one waited.
        match env::var_os(HOOK_VARIABLE) {
            // What a hook that was killed has started must write no more.
            Some(hook) if !hook.to_str().is_some_and(processes::lives) => Err(NotOurs::Asked),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, how: &str) -> Result<(), NotOurs> {
        self.connection.execute_batch(how)?;
        self.waited_for = match self.value(ARMED)? {
            None => false,
            Some(Value::String(hook)) if processes::lives(&hook) => true,
            Some(_) => return Err(NotOurs::Asked), // to be undone before anything else is done
        };
        Ok(())
    }

    /// Ends the transaction and keeps what was written.
    pub(crate) fn commit(&mut self) -> Result<(), NotOurs> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Whether a hook waits for this process.
    pub(crate) fn waited_for(&self) -> bool {
        self.waited_for
    }

    /// Whether a flag is set.
    pub(crate) fn is_set(&self, flag: &str) -> Result<bool, NotOurs> {
        Ok(self.text(&format!("{FLAGS}{flag}"))?.is_some())
    }

    /// The names of all flags that are set, sorted.
    pub(crate) fn flags(&self) -> Result<Vec<String>, NotOurs> {
        let mut statement =
            self.connection.prepare("SELECT key FROM kv WHERE key >= ? AND key < ?")?;
        let keys = statement.query_map(range(FLAGS), |row| row.get::<_, String>(0))?;
        let mut flags = Vec::new();
        for key in keys {
            flags.push(key?.split_off(FLAGS.len()));
        }
        flags.sort_unstable();
        Ok(flags)
    }

    /// The value of a row, if it is there.
    pub(crate) fn value(&self, key: &str) -> Result<Option<Value>, NotOurs> {
        Ok(self.text(key)?.map(|data| serde_json::from_str(&data)).transpose()?)
    }

    /// The values of all rows below a prefix that ends in a dot, each with the rest of its key.
    pub(crate) fn values(&self, prefix: &str) -> Result<Vec<(String, Value)>, NotOurs> {
        let mut statement =
            self.connection.prepare("SELECT key, data FROM kv WHERE key >= ? AND key < ?")?;
        let rows = statement.query_map(range(prefix), |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })?;
        let mut found = Vec::new();
        for row in rows {
            let (mut key, data) = row?;
            found.push((key.split_off(prefix.len()), serde_json::from_str(&data)?));
        }
        Ok(found)
    }

    fn text(&self, key: &str) -> Result<Option<String>, NotOurs> {
        let mut statement = self.connection.prepare("SELECT data FROM kv WHERE key = ?")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// Writes a row, after [`UnitState::begin_writing`].
    pub(crate) fn set(&self, key: &str, value: &Value) -> Result<(), NotOurs> {
        let sql = "INSERT OR REPLACE INTO kv (key, data) VALUES (?, ?)";
        self.connection.execute(sql, [key, &value.to_string()])?;
        Ok(())
    }

    /// Deletes a row, after [`UnitState::begin_writing`].
    pub(crate) fn unset(&self, key: &str) -> Result<(), NotOurs> {
        self.connection.execute("DELETE FROM kv WHERE key = ?", [key])?;
        Ok(())
    }
}

/// The keys that begin with a prefix that ends in a dot; `/` is the character after it.
fn range(prefix: &str) -> [String; 2] {
    [prefix.to_owned(), format!("{}/", prefix.trim_end_matches('.'))]
}

/// Where charmhelpers keeps the unit state.
fn path() -> Result<PathBuf, NotOurs> {
    let path = match env::var_os("UNIT_STATE_DB") {
        Some(path) => PathBuf::from(path),
        None => Path::new(&env::var_os("CHARM_DIR").unwrap_or_default()).join(".unit-state.db"),
    };
    // SQLite has meanings of its own for other names than those of files.
    if path.is_file() {
        Ok(path)
    } else {
        Err(NotOurs::Asked)
    }
}

/// How long to wait; `None` for a setting that makes no sense, which the command in Python tells of.
fn timeout(given: &str, in_hook: bool) -> Option<Duration> {
    let default = if in_hook { DEFAULT_TIMEOUT_IN_HOOK } else { DEFAULT_TIMEOUT };
    let seconds = if given.is_empty() { Some(default) } else { given.parse::<f64>().ok() };
    let seconds = seconds.filter(|seconds| (0.0..=LONGEST_TIMEOUT).contains(seconds));
    seconds.map(Duration::from_secs_f64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::timeout;

    #[test]
    fn what_a_hook_has_started_waits_for_it() {
        for (given, in_hook, seconds) in [
            ("", false, Some(60.0)),
            ("", true, Some(3600.0)),
            ("0.5", true, Some(0.5)),
            ("0", false, Some(0.0)),
            ("-1", false, None),
            ("nan", true, None),
            ("1e9", false, None),
            ("soon", false, None),
        ] {
            let wanted = seconds.map(Duration::from_secs_f64);
            assert_eq!(timeout(given, in_hook), wanted, "{given:?} {in_hook}");
        }
    }
}
