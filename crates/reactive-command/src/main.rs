//! The command `charms.reactive`: flags and tests of a unit, without starting Python.
//!
//! It answers what only needs the rows of the unit state, in the common case. Everything else, be
//! it another command, a usage error, a state file that is missing, or the repair after a killed
//! hook, is handed over, before anything is written, to the command in Python beside it. So there is
//! one place for each error's sentence and for whatever is rare.
//!
//! Under the name of a hook tool, from the directory of such links that the framework puts on the
//! `PATH` of handlers in bash, it is that hook tool: it asks Juju's agent as the tool itself does.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A panic would end a hook.

mod agent;
mod arguments;
mod commands;
mod gob;
mod hand_over;
mod hook_file;
mod hook_tools;
mod hooks;
mod json_text;
mod not_ours;
mod processes;
mod rows;
mod specs;
mod unit_state;
mod words;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use crate::hand_over::hand_over;
use crate::not_ours::NotOurs;

/// Chooses the engine, as for the framework.
const ENGINE_VARIABLE: &str = "CHARMS_REACTIVE_ENGINE";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    if let Some(tool) = hook_tools::this_one() {
        return tool.run(&arguments);
    }
    match answer(&arguments) {
        Ok(status) => ExitCode::from(status),
        Err(why) => hand_over(&arguments, why),
    }
}

/// Runs the command; its exit status.
fn answer(arguments: &[OsString]) -> Result<u8, NotOurs> {
    match env::var_os(ENGINE_VARIABLE) {
        Some(engine) if !engine.is_empty() && engine != "native" => return Err(NotOurs::Asked),
        _ => {}
    }
    let call = arguments::parse(arguments).ok_or(NotOurs::Asked)?;
    commands::run(&call)
}
