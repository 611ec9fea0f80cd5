//! Processes by the names that the framework gives them in the unit state.

use std::fs;

/// When a process began is not known where there is no `/proc`.
const UNKNOWN: &str = "?";

/// Whether a process, named by its id and when it began, is certainly still there.
pub(crate) fn lives(process: &str) -> bool {
    let Some((pid, started)) = process.split_once(' ') else { return false };
    pid.parse::<u32>()
        .ok()
        .and_then(start_of)
        .is_some_and(|found| found == started || started == UNKNOWN)
}

fn start_of(pid: u32) -> Option<String> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything.
    let named = stat.iter().rposition(|&byte| byte == b')')?;
    let fields = String::from_utf8(stat[named + 1..].to_vec()).ok()?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    if matches!(fields.first(), None | Some(&("Z" | "X"))) {
        return None;
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(format!("{} {}", boot.trim(), fields.get(19)?))
}
