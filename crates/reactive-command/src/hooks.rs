//! Patterns of hook names, as the decorator `@hook` takes them.

use std::env;
use std::path::Path;

use crate::not_ours::NotOurs;

/// Whether the current hook matches one of the patterns.
///
/// A pattern with a colon in braces is about the endpoints in the charm's metadata, which this
/// program does not read.
pub(crate) fn any_hook(patterns: &[String]) -> Result<bool, NotOurs> {
    if ["JUJU_ACTION_NAME", "JUJU_FUNCTION_NAME"].into_iter().any(is_given) {
        return Ok(false); // whatever the action is called
    }
    if patterns.iter().any(|pattern| pattern.contains('{') && pattern.contains(':')) {
        return Err(NotOurs::Asked);
    }
    let hook = hook_name()?;
    Ok(patterns.iter().any(|pattern| expand(pattern).contains(&hook)))
}

/// Whether an environment variable has a value.
fn is_given(variable: &str) -> bool {
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

fn hook_name() -> Result<String, NotOurs> {
    let path = env::var_os("JUJU_DISPATCH_PATH").unwrap_or_default();
    if Path::new(&path).parent().is_some_and(|directory| directory.ends_with("actions")) {
        return Err(NotOurs::Asked);
    }
    let named = ["JUJU_HOOK_NAME", "JUJU_DISPATCH_PATH"]
        .iter()
        .find_map(|variable| env::var_os(variable).filter(|value| !value.is_empty()))
        .ok_or(NotOurs::Asked)?;
    let name = Path::new(&named).file_name().and_then(|name| name.to_str());
    // Where the two languages differ about what the last part of a path is, Python is right.
    name.filter(|name| named.to_str().is_some_and(|path| path.ends_with(name)))
        .map(str::to_owned)
        .ok_or(NotOurs::Asked)
}

/// Every name that the pattern stands for: `{a,b}` is a choice, whatever else is in braces is itself.
fn expand(pattern: &str) -> Vec<String> {
    let mut done = Vec::new();
    let mut todo = vec![pattern.to_owned()];
    while let Some(value) = todo.pop() {
        match first_choice(&value) {
            Some((before, choices, after)) => {
                todo.extend(choices.split(',').map(|choice| format!("{before}{choice}{after}")));
            }
            None => done.push(value),
        }
    }
    done
}

/// What stands before, within and after the first braces that hold a choice.
fn first_choice(value: &str) -> Option<(&str, &str, &str)> {
    for (open, _) in value.match_indices('{') {
        let (choices, after) = value[open + 1..].split_once('}')?;
        let named = choices.strip_suffix(',').unwrap_or(choices);
        if named.split(',').all(|choice| !choice.is_empty()) {
            return Some((&value[..open], choices, after));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn braces_hold_choices() {
        let mut all = expand("{a,b}-x-{c,d}");
        all.sort();
        assert_eq!(all, ["a-x-c", "a-x-d", "b-x-c", "b-x-d"]);
        assert_eq!(expand("{a}"), ["a"]);
        assert_eq!(expand("x{a,}").len(), 2);
        for plain in ["{}", "{,}", "{a,,b}", "{", "}", "a{b", ""] {
            assert_eq!(expand(plain), [plain]);
        }
        assert_eq!(expand("{{a}"), ["{a"]);
    }
}
