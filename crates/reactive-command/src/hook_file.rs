//! The hook file: which hooks have not succeeded, and whether the last of them goes on.
//!
//! It lies beside the unit state. A hook writes its name behind those that are in it and holds a lock on
//! it for as long as it lives; one that succeeds deletes it. The kernel drops the lock with the
//! process, however that ends, and tells so in every namespace.

use std::fs::{self, File, TryLockError};
use std::io::Read;
use std::path::Path;

/// What follows the name of the unit state's file.
const SUFFIX: &str = "-hook";

/// What can be said of a hook for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes on.
    Lives,
    /// It has failed or was killed, and none has succeeded since.
    Lost,
    /// Neither can be proved: it has succeeded, or one after it has, or the file is no evidence.
    Unknown,
}

/// What became of a hook of the unit whose state is in this file.
pub(crate) fn fate(hook: &str, state: &Path) -> Fate {
    let Ok(state) = fs::canonicalize(state) else { return Fate::Unknown };
    let mut path = state.into_os_string();
    path.push(SUFFIX);
    let Ok(mut file) = File::open(&path) else { return Fate::Unknown };
    let mut names = String::new();
    if file.read_to_string(&mut names).is_err() {
        return Fate::Unknown;
    }
    match place(hook, &names) {
        Place::Last => match file.try_lock_shared() {
            Ok(()) => Fate::Lost,
            // Another hook may have begun since the names were read.
            Err(TryLockError::WouldBlock) => match fs::read_to_string(&path) {
                Ok(names) if place(hook, &names) == Place::Before => Fate::Lost,
                _ => Fate::Lives,
            },
            Err(TryLockError::Error(_)) => Fate::Unknown,
        },
        Place::Before => Fate::Lost,
        Place::Nowhere => Fate::Unknown,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Last,
    Before,
    Nowhere,
}

/// Where a hook stands among the names, each of which ends with a newline.
fn place(hook: &str, names: &str) -> Place {
    let names: Vec<&str> =
        names.split_inclusive('\n').filter_map(|n| n.strip_suffix('\n')).collect();
    if names.last() == Some(&hook) {
        Place::Last
    } else if names.contains(&hook) {
        Place::Before
    } else {
        Place::Nowhere
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_last_of_the_names_may_live() {
        for (names, wanted) in [
            ("", Place::Nowhere),
            ("1 a\n", Place::Last),
            ("0 b\n1 a\n", Place::Last),
            ("1 a\n0 b\n", Place::Before),
            ("1 a\n1 ab\n", Place::Before),
            ("1 a", Place::Nowhere),
            ("0 b\n1 a", Place::Nowhere),
        ] {
            assert_eq!(place("1 a", names), wanted, "{names:?}");
        }
    }

    #[test]
    fn the_lock_is_the_proof() -> std::io::Result<()> {
        let directory = std::env::temp_dir().join(format!("hook-file-{}", std::process::id()));
        fs::create_dir_all(&directory)?;
        let state = directory.join("state.db");
        File::create(&state)?;
        assert_eq!(fate("1 a", &state), Fate::Unknown);
        let mut file = File::create(directory.join("state.db-hook"))?;
        file.write_all(b"0 b\n1 a\n")?;
        assert_eq!(fate("1 a", &state), Fate::Lost);
        file.lock()?;
        assert_eq!(fate("1 a", &state), Fate::Lives);
        assert_eq!(fate("0 b", &state), Fate::Lost);
        assert_eq!(fate("2 c", &state), Fate::Unknown);
        drop(file);
        assert_eq!(fate("1 a", &state), Fate::Lost);
        fs::remove_dir_all(&directory)
    }
}
