//! Handing a command over to the one in Python, which was installed beside this program.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::unit_state::TIMEOUT_VARIABLE;

/// The command in Python; pip has given it the interpreter that it was installed with.
const PYTHON_COMMAND: &str = "charms.reactive-python";

/// A question that could not be answered, as an exit status.
const TROUBLE: u8 = 2;

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

/// Becomes the command in Python; returns only if that cannot be run.
pub(crate) fn hand_over(arguments: &[OsString], why: NotOurs) -> ExitCode {
    let path = match python_command() {
        Ok(path) => path,
        Err(error) => return complain(&format!("cannot find out where it was installed: {error}")),
    };
    let mut command = Command::new(&path);
    command.args(arguments);
    if why == NotOurs::Locked {
        command.env(TIMEOUT_VARIABLE, "0"); // it only has to say so
    }
    let error = command.exec();
    let shown = path.display();
    complain(&if !path.exists() {
        format!(
            "{shown} is missing, to which this command was handed over; reinstall charms.reactive"
        )
    } else if error.kind() == io::ErrorKind::NotFound {
        format!("cannot run {shown}: the interpreter in its first line is missing")
    } else {
        format!("cannot run {shown}: {error}")
    })
}

/// Beside this program, wherever links to it lie.
fn python_command() -> io::Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(PYTHON_COMMAND))
}

fn complain(reason: &str) -> ExitCode {
    // Nothing more can be done if nobody reads it.
    let _ = writeln!(io::stderr(), "charms.reactive: {reason}");
    ExitCode::from(TROUBLE)
}
