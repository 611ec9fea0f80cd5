//! The command line, as far as this program understands it.
//!
//! Whatever is unusual, wrong or asks for help gets no [`Call`] and goes to the command in Python,
//! whose parser is the one that knows all of it.

use std::ffi::OsString;

/// How an answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// As it is, a list one item to a line.
    Raw,
    /// As JSON.
    Json,
}

/// What to ask of a set of flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// All of them are set.
    All,
    /// At least one is set.
    Any,
    /// None is set.
    None,
    /// At least one is not set.
    NotAll,
}

impl Test {
    /// The test of a decorator, by its name.
    pub(crate) fn of_decorator(name: &str) -> Option<Self> {
        Some(match name {
            "when" | "when_all" => Self::All,
            "when_any" => Self::Any,
            "when_not" | "when_none" => Self::None,
            "when_not_all" => Self::NotAll,
            _ => return None,
        })
    }
}

/// A command and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Set (`on`) or clear a flag; a value is kept with it.
    Change { flag: String, on: bool, value: Option<String> },
    /// Couple flags for the rest of the hook.
    RegisterTrigger { flag: String, on: bool, set: Option<String>, clear: Option<String> },
    /// Ask about flags, whatever the phase.
    Flags(Test, Vec<String>),
    /// Ask about flags as a handler's decorator does.
    When(Test, Vec<String>),
    /// Print all flags that are set.
    GetFlags,
    /// Print those of the flags that are not set.
    GetUnsetFlags(Vec<String>),
    /// Ask whether the current hook matches a pattern.
    AnyHook(Vec<String>),
    /// The same as a handler's decorator.
    Hook(Vec<String>),
    /// Ask whether a handler has not run before.
    OnlyOnce(String),
    /// Remember that handlers ran.
    MarkInvoked(Vec<String>),
    /// Print the names of the handlers that match.
    Test(Vec<String>),
}

/// A command and how to print its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) format: Format,
    pub(crate) command: Command,
}

/// Reads the command line; `None` if it is not for this program.
pub(crate) fn parse(arguments: &[OsString]) -> Option<Call> {
    let words: Vec<&str> = arguments.iter().map(|word| word.to_str()).collect::<Option<_>>()?;
    let (format, words) = take_format(&words);
    let (&name, rest) = words.split_first()?;
    Some(Call { format, command: command(name, rest)? })
}

fn take_format<'a>(words: &'a [&'a str]) -> (Format, &'a [&'a str]) {
    match words {
        ["-r" | "--raw" | "--format=raw", rest @ ..] | ["--format", "raw", rest @ ..] => {
            (Format::Raw, rest)
        }
        ["-j" | "--json" | "--format=json", rest @ ..] | ["--format", "json", rest @ ..] => {
            (Format::Json, rest)
        }
        rest => (Format::Raw, rest),
    }
}

fn command(name: &str, words: &[&str]) -> Option<Command> {
    match name {
        "set_flag" | "set_state" => return set_flag(words),
        "register_trigger" => return register_trigger(words),
        _ => {}
    }
    if words.iter().any(|word| word.starts_with('-')) {
        return None;
    }
    let many = || words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let one = || match words {
        [word] => Some((*word).to_owned()),
        _ => None,
    };
    if let Some(test) = Test::of_decorator(name) {
        return Some(Command::When(test, many()));
    }
    Some(match name {
        "clear_flag" | "remove_state" => Command::Change { flag: one()?, on: false, value: None },
        "toggle_flag" => toggle_flag(words)?,
        "is_flag_set" | "is_state" => Command::Flags(Test::All, vec![one()?]),
        "all_flags_set" | "all_states" => Command::Flags(Test::All, many()),
        "any_flags_set" | "any_states" => Command::Flags(Test::Any, many()),
        "get_flags" if words.is_empty() => Command::GetFlags,
        "get_unset_flags" => Command::GetUnsetFlags(many()),
        "any_hook" => Command::AnyHook(many()),
        "hook" => Command::Hook(many()),
        "only_once" => Command::OnlyOnce(one()?),
        "mark_invoked" => Command::MarkInvoked(many()),
        "test" => Command::Test(many()),
        _ => return None,
    })
}

fn set_flag(words: &[&str]) -> Option<Command> {
    let (flag, value) = match words {
        [flag] => (flag, None),
        [flag, "--value", value] | ["--value", value, flag] if !value.starts_with('-') => {
            (flag, Some(*value))
        }
        [flag, given] | [given, flag] if given.starts_with("--value=") => {
            (flag, given.strip_prefix("--value="))
        }
        _ => return None,
    };
    if flag.starts_with('-') {
        return None;
    }
    Some(Command::Change { flag: (*flag).to_owned(), on: true, value: value.map(str::to_owned) })
}

fn toggle_flag(words: &[&str]) -> Option<Command> {
    let &[flag, should_set] = words else { return None };
    if !should_set.is_ascii() {
        return None; // Python's idea of white space and of lower case would count
    }
    let said = should_set.trim_matches(|c| matches!(c, '\t'..='\r' | '\x1c'..=' '));
    let off = ["", "0", "false", "no", "off"].iter().any(|word| said.eq_ignore_ascii_case(word));
    Some(Command::Change { flag: flag.to_owned(), on: !off, value: None })
}

fn register_trigger(words: &[&str]) -> Option<Command> {
    let (mut when, mut when_not, mut set, mut clear) = (None, None, None, None);
    let mut words = words.iter();
    while let Some(&word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some(parts) => parts,
            None => (word, *words.next().filter(|value| !value.starts_with('-'))?),
        };
        let place = match option {
            "--when" => &mut when,
            "--when_not" => &mut when_not,
            "--set_flag" => &mut set,
            "--clear_flag" => &mut clear,
            _ => return None,
        };
        if place.replace(value).is_some() {
            return None;
        }
    }
    let given = |value: Option<&str>| value.filter(|value| !value.is_empty()).map(str::to_owned);
    let (flag, on) = match (given(when), given(when_not)) {
        (Some(flag), None) => (flag, true),
        (None, Some(flag)) => (flag, false),
        _ => return None,
    };
    let (set, clear) = (given(set), given(clear));
    if set.is_none() && clear.is_none() {
        return None;
    }
    Some(Command::RegisterTrigger { flag, on, set, clear })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Command> {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        parse(&words).map(|call| call.command)
    }

    #[test]
    fn options_may_stand_on_either_side() {
        let wanted =
            Some(Command::Change { flag: "a".to_owned(), on: true, value: Some("v".to_owned()) });
        for line in ["set_flag a --value v", "set_flag --value v a", "set_flag a --value=v"] {
            assert_eq!(read(line), wanted, "{line}");
        }
    }

    #[test]
    fn what_is_unusual_is_left_to_the_parser_in_python() {
        for line in [
            "",
            "--help",
            "set_flag",
            "set_flag -- a",
            "set_flag a b",
            "set_flag -x",
            "is_flag_set",
            "is_flag_set a b",
            "get_flags --help",
            "-j -y get_flags",
            "--format yaml get_flags",
            "relation_call a",
            "toggle_flag a \u{a0}",
            "register_trigger",
            "register_trigger --when a",
            "register_trigger --when a --when b --set_flag c",
            "register_trigger --when a --when_not b --set_flag c",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn juju_prints_false_for_an_option_that_is_off() {
        for (word, on) in [("False", false), ("OFF", false), ("0", false), ("1", true), ("x", true)]
        {
            let line = format!("toggle_flag a {word}");
            assert_eq!(
                read(&line),
                Some(Command::Change { flag: "a".to_owned(), on, value: None }),
                "{line}"
            );
        }
    }
}
