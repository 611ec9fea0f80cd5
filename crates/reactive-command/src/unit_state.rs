//! The unit state: rows of one table in a file of `SQLite`.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use serde_json::{json, Value};

use crate::hook_file::{fate, Fate};
use crate::json_text::text_of;
use crate::not_ours::NotOurs;
use crate::processes;
use crate::rows::{ARMED, FLAGS, KEPT};

/// How long to wait for the file, in seconds.
pub(crate) const TIMEOUT_VARIABLE: &str = "CHARMS_REACTIVE_LOCK_TIMEOUT";

/// A dispatch holds the file for as long as a handler in Python runs, which may be installing things.
/// What a hook has started and left running waits for it; somebody on the unit wants an answer.
const DEFAULT_TIMEOUT: f64 = 60.0;
const DEFAULT_TIMEOUT_IN_HOOK: f64 = 3600.0;
const LONGEST_TIMEOUT: f64 = 86400.0;

/// Names the hook that has started this process, or a process that has.
const HOOK_VARIABLE: &str = "CHARMS_REACTIVE_HOOK";

/// Set for what a hook has started with the unit state lent to it; not for what its handlers in Python start.
const LENT_VARIABLE: &str = "CHARMS_REACTIVE_LENT";

/// The unit state in one transaction, which ends with [`UnitState::commit`] or, undone, with this.
pub(crate) struct UnitState {
    connection: Connection,
    path: PathBuf,
    timeout: Duration,
    /// The hook that this process belongs to.
    hook: Option<String>,
    /// The hook that has lent its state to child processes, if one has.
    lender: Option<String>,
}

impl UnitState {
    /// Opens the file of the unit to read it, as it is at one moment.
    pub(crate) fn open() -> Result<Self, NotOurs> {
        // Never made here: the command in Python does that, and says what is wrong if it cannot.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let path = path()?;
        let connection = Connection::open_with_flags(&path, flags)?;
        let hook = env::var_os(HOOK_VARIABLE)
            .map(|hook| hook.into_string().map_err(|_| NotOurs::Asked))
            .transpose()?;
        if hook.as_deref().is_some_and(|hook| !processes::names_a_process(hook)) {
            return Err(NotOurs::Asked); // only the framework sets it, and the command in Python says so
        }
        let given = env::var(TIMEOUT_VARIABLE).unwrap_or_default();
        let timeout = timeout(&given, hook.is_some()).ok_or(NotOurs::Asked)?;
        connection.busy_timeout(timeout)?;
        let mut state = Self { connection, path, timeout, hook, lender: None };
        state.begin("BEGIN")?;
        Ok(state)
    }

    /// Begins anew, with the right to write.
    pub(crate) fn begin_writing(&mut self) -> Result<(), NotOurs> {
        self.commit()?;
        let of_python = env::var_os(LENT_VARIABLE).is_none();
        if of_python && self.hook.as_deref().is_some_and(processes::stands_above) {
            // The hook may hold the file until this process ends, for which it waits.
            self.connection.busy_timeout(Duration::ZERO)?;
            let begun = self.begin("BEGIN IMMEDIATE");
            self.connection.busy_timeout(self.timeout)?;
            begun.map_err(|_| NotOurs::Asked)?;
        } else {
            self.begin("BEGIN IMMEDIATE")?;
        }
        match &self.hook {
            // What a hook that has failed or was killed has left behind must write no more. Not before: it
            // may have failed while this process waited.
            Some(hook) if self.lender != self.hook && fate(hook, &self.path) == Fate::Lost => {
                Err(NotOurs::Asked)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, how: &str) -> Result<(), NotOurs> {
        self.connection.execute_batch(how)?;
        self.lender = match self.value(ARMED)? {
            None => None,
            Some(Value::String(hook)) if fate(&hook, &self.path) == Fate::Lives => Some(hook),
            Some(_) => return Err(NotOurs::Asked), // perhaps to be undone before anything else is done
        };
        Ok(())
    }

    /// Ends the transaction and keeps what was written.
    pub(crate) fn commit(&mut self) -> Result<(), NotOurs> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Whether a hook has lent its state, and wants to know what is changed.
    pub(crate) fn is_lent(&self) -> bool {
        self.lender.is_some()
    }

    /// Whether what this process writes must stay if the hook that has lent its state is undone.
    pub(crate) fn is_outside(&self) -> bool {
        self.lender.is_some() && self.lender != self.hook
    }

    /// Whether a flag is set.
    pub(crate) fn is_set(&self, flag: &str) -> Result<bool, NotOurs> {
        self.has(&format!("{FLAGS}{flag}"))
    }

    /// Whether there is a row of this key.
    pub(crate) fn has(&self, key: &str) -> Result<bool, NotOurs> {
        Ok(self.text(key)?.is_some())
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

    /// Writes a row that is of the hook alone, after [`UnitState::begin_writing`].
    pub(crate) fn set(&self, key: &str, value: &Value) -> Result<(), NotOurs> {
        let sql = "INSERT OR REPLACE INTO kv (key, data) VALUES (?, ?)";
        self.connection.execute(sql, [key, &text_of(value)])?;
        Ok(())
    }

    /// Writes a row (`None`: deletes it) that stays, after [`UnitState::begin_writing`].
    pub(crate) fn keep(&self, key: &str, value: Option<&Value>) -> Result<(), NotOurs> {
        match value {
            Some(value) => self.set(key, value)?,
            None => {
                self.connection.execute("DELETE FROM kv WHERE key = ?", [key])?;
            }
        }
        self.note_kept(key)
    }

    /// Notes that a row is to be as it is now even if the hook that has lent its state is undone.
    pub(crate) fn note_kept(&self, key: &str) -> Result<(), NotOurs> {
        if !self.is_outside() {
            return Ok(());
        }
        let mut kept = self.value(KEPT)?.unwrap_or_else(|| json!({}));
        let rows = kept.as_object_mut().ok_or(NotOurs::Asked)?;
        rows.insert(key.to_owned(), json!(self.text(key)?));
        self.set(KEPT, &kept)
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
