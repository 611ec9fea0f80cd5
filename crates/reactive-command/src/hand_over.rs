//! Handing a command over to the one in Python, which was installed beside this program.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::not_ours::NotOurs;
use crate::unit_state::TIMEOUT_VARIABLE;

/// The command in Python; pip has given it the interpreter that it was installed with.
const PYTHON_COMMAND: &str = "charms.reactive-python";

/// A question that could not be answered, as an exit status.
const TROUBLE: u8 = 2;

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
