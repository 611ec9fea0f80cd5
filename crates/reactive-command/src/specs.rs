//! Handlers of shell scripts with their conditions, as `charms.reactive test` gets them.

use crate::arguments::Test;
use crate::words;

/// A function of a script and what has to hold for it to match.
pub(crate) struct Handler {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) conditions: Vec<Condition>,
}

/// One decorator.
pub(crate) enum Condition {
    Flags(Test, Vec<String>),
    Hook(Vec<String>),
    OnlyOnce,
}

impl Handler {
    /// Reads `NAME ID [TEST "ARGUMENTS"]…`, quoted as a shell does it, the arguments once more.
    ///
    /// `None` for what makes no sense, and for a condition that needs more than rows.
    pub(crate) fn parse(spec: &str) -> Option<Self> {
        let mut words = words::split(spec)?.into_iter();
        let (name, id) = (words.next()?, words.next()?);
        let mut conditions = Vec::new();
        while let Some(test) = words.next() {
            let arguments = words::split(&words.next()?)?;
            conditions.push(match Test::of_decorator(&test) {
                Some(test) => Condition::Flags(test, arguments),
                None if test == "hook" => Condition::Hook(arguments),
                None if test == "only_once" => Condition::OnlyOnce,
                None => return None,
            });
        }
        Some(Self { name, id, conditions })
    }

    /// The flags that it depends on.
    pub(crate) fn watched(&self) -> impl Iterator<Item = &String> {
        self.conditions.iter().flat_map(|condition| match condition {
            Condition::Flags(_, flags) => flags.as_slice(),
            Condition::Hook(_) | Condition::OnlyOnce => &[],
        })
    }
}

/// A handler's id `FILE:LINE:NAME` in its parts.
pub(crate) struct HandlerId<'a> {
    pub(crate) path: &'a str,
    pub(crate) line: &'a str,
    pub(crate) name: &'a str,
}

impl<'a> HandlerId<'a> {
    /// The parts, if the id is of that form.
    pub(crate) fn parse(id: &'a str) -> Option<Self> {
        let mut parts = id.rsplitn(3, ':');
        let (name, line, path) = (parts.next()?, parts.next()?, parts.next()?);
        is_number(line).then_some(Self { path, line, name })
    }

    /// The id without its line, so that editing the script does not change it.
    pub(crate) fn stable(&self) -> String {
        format!("{}::{}", self.path, self.name)
    }
}

/// File and name of a mark that 1.5.x has left, if it is of that form.
pub(crate) fn without_line(mark: &str) -> Option<(&str, &str)> {
    let mut parts = mark.rsplitn(3, ':');
    let (name, line) = (parts.next()?, parts.next()?);
    is_number(line).then_some((parts.next().unwrap_or_default(), name))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
