//! Processes: whether a hook's process stands above this one.

use std::fs;

/// Whether a text begins as the name of a hook does, with the number of a process.
pub(crate) fn names_a_process(hook: &str) -> bool {
    let pid = hook.split(' ').next().unwrap_or_default();
    !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the process that a hook's name begins with, `PID BOOT START …`, has started this one, or
/// one that has. `false` where that cannot be told.
pub(crate) fn stands_above(hook: &str) -> bool {
    let mut words = hook.split(' ');
    let Some(wanted) = words.next().filter(|pid| !pid.is_empty()) else { return false };
    let Some(started) = words.nth(1) else { return false };
    let mut pid = "self".to_owned();
    while let Some(stat) = Stat::of(&pid) {
        if stat.pid == wanted {
            return stat.start == started;
        }
        pid = stat.parent;
    }
    false
}

/// What `/proc/PID/stat` says of a process.
struct Stat {
    pid: String,
    parent: String,
    start: String,
}

impl Stat {
    fn of(pid: &str) -> Option<Self> {
        let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in parentheses and may hold anything.
        let named = stat.iter().rposition(|&byte| byte == b')')?;
        let fields = String::from_utf8(stat[named + 1..].to_vec()).ok()?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let pid = stat.split(|&byte| byte == b' ').next()?;
        Some(Self {
            pid: String::from_utf8(pid.to_vec()).ok()?,
            parent: (*fields.get(1)?).to_owned(),
            start: (*fields.get(19)?).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{stands_above, Stat};

    #[test]
    fn a_parent_stands_above() {
        let Some(this) = Stat::of("self") else { return }; // no /proc
        let Some(parent) = Stat::of(&this.parent) else { return }; // of another namespace
        assert!(stands_above(&format!("{} boot {} ns token", parent.pid, parent.start)));
        assert!(!stands_above(&format!("{} boot {}0 ns token", parent.pid, parent.start)));
        for other in ["", " ", "x", "0 boot 1 ns", "99999999 boot 1 ns token"] {
            assert!(!stands_above(other), "{other:?}");
        }
    }
}
