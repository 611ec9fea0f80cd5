//! What the tests share: engines written down as text, and what they did as text.

#![allow(dead_code, missing_docs)] // Each test file uses a part of this.

use reactive_core::{CallbackId, Effect, Engine, FlagId, HandlerId, Kind, Phase, Phases, Step};

/// A change as it is written: `+flag` or `-flag`.
pub(crate) fn change_of(word: &str) -> (&str, bool) {
    match (word.strip_prefix('+'), word.strip_prefix('-')) {
        (Some(flag), _) => (flag, true),
        (_, Some(flag)) => (flag, false),
        _ => panic!("not a change: {word}"),
    }
}

/// Makes changes that must not wait for a callback.
pub(crate) fn make(engine: &mut Engine, changes: &str) {
    for word in changes.split_whitespace() {
        let (flag, on) = change_of(word);
        engine.change(flag, on).unwrap();
    }
}

/// The names of flags, separated by blanks.
pub(crate) fn names(engine: &Engine, flags: &[FlagId]) -> String {
    flags.iter().map(|&flag| engine.name(flag).unwrap()).collect::<Vec<_>>().join(" ")
}

pub(crate) fn set_flags(engine: &Engine) -> String {
    names(engine, &engine.flags())
}

/// Effects as changes are written, and `!3` for callback 3.
pub(crate) fn effects(engine: &Engine, effects: &[Effect]) -> String {
    let word = |effect: &Effect| match *effect {
        Effect::Set(flag) => format!("+{}", engine.name(flag).unwrap()),
        Effect::Clear(flag) => format!("-{}", engine.name(flag).unwrap()),
        Effect::Call(CallbackId(number)) => format!("!{number}"),
    };
    effects.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// Registers `+a: +b -c !0`: when `a` is set, set `b`, clear `c`, call 0; in the order written.
pub(crate) fn add_trigger(engine: &mut Engine, line: &str) {
    let (edge, actions) = line.split_once(':').unwrap();
    let (flag, on) = change_of(edge);
    for word in actions.split_whitespace() {
        if let Some(callback) = word.strip_prefix('!') {
            let callback = CallbackId(callback.parse().unwrap());
            engine.add_trigger(flag, on, None, None, Some(callback));
        } else {
            match change_of(word) {
                (target, true) => engine.add_trigger(flag, on, Some(target), None, None),
                (target, false) => engine.add_trigger(flag, on, None, Some(target), None),
            }
        }
    }
}

/// A charm in a few lines of text, and the driver that runs its hooks.
///
/// A handler is a line `NAME | PART | PART …` whose parts are:
///
/// - `all a b`, `any …`, `none …`, `not_all …`: a condition;
/// - `watch a b`: watched flags;
/// - `hooks`, `restricted`, `other`: where it is confined to;
/// - `opaque ACTIONS yes` or `… no`: predicates that the engine cannot see, what they do and say;
/// - `do ACTIONS`: what it does when it is invoked;
/// - `later`: it is added only by the action `add:NAME`.
///
/// Actions are `+flag`, `-flag`, `~flag` (touch), `add:NAME`, `load:a,b`, `forget` (all handlers)
/// and `abort`.
pub(crate) struct Charm {
    pub(crate) engine: Engine,
    lines: Vec<String>,
    /// The lines of the handlers that were added, by handler.
    added: Vec<usize>,
    trace: String,
}

impl Charm {
    pub(crate) fn new(lines: &[&str]) -> Self {
        let lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        let mut charm =
            Self { engine: Engine::new(), lines, added: Vec::new(), trace: String::new() };
        for at in 0..charm.lines.len() {
            if charm.part(at, "later").is_none() {
                charm.add(at);
            }
        }
        charm
    }

    /// Runs a hook and says what happened: one line per phase or iteration, in it `NAME?` for each
    /// test, `[NAME NAME]` for the queue, `NAME` for each invocation, and how it ended.
    pub(crate) fn run(&mut self, restricted: bool) -> String {
        self.trace.clear();
        self.engine.start(restricted).unwrap();
        while let Ok(step) = self.engine.step() {
            match step {
                Step::Begin(phase) => {
                    let before = if self.trace.is_empty() { "" } else { "\n" };
                    self.trace += before;
                    self.trace += &format!("{phase:?}").to_lowercase();
                }
                Step::Test(handler) => {
                    let line = self.added[handler.0 as usize];
                    self.say(&format!("{}?", self.name(handler)));
                    let part = self.part(line, "opaque").unwrap().to_owned();
                    let (actions, answer) = part.rsplit_once(' ').unwrap_or(("", &part));
                    self.act(actions);
                    self.engine.answer(answer == "yes").unwrap();
                }
                Step::Queued(length) => {
                    let queue: Vec<_> = self.engine.queue().map(|id| self.name(id)).collect();
                    assert_eq!(queue.len(), length);
                    self.say(&format!("[{}]", queue.join(" ")));
                }
                Step::Invoke(handler) => {
                    let line = self.added[handler.0 as usize];
                    self.say(&self.name(handler));
                    let actions = self.part(line, "do").unwrap_or_default().to_owned();
                    self.act(&actions);
                }
                Step::Done => self.say("done"),
                Step::Limit(length) => self.say(&format!("limit {length}")),
            }
        }
        assert_eq!(self.engine.phase(), None);
        self.trace.clone()
    }

    fn act(&mut self, actions: &str) {
        for word in actions.split_whitespace() {
            if let Some(flag) = word.strip_prefix('~') {
                self.engine.touch(flag);
            } else if let Some(name) = word.strip_prefix("add:") {
                let starts = |line: &String| line.split('|').next().unwrap().trim() == name;
                self.add(self.lines.iter().position(starts).unwrap());
            } else if let Some(flags) = word.strip_prefix("load:") {
                self.engine.load(flags.split(',').filter(|flag| !flag.is_empty()));
            } else if word == "forget" {
                self.engine.clear_handlers();
                self.added.clear();
            } else if word == "abort" {
                self.engine.abort();
                self.say("aborted");
            } else {
                make(&mut self.engine, word);
            }
        }
    }

    fn add(&mut self, line: usize) {
        let handler = self.engine.add_handler();
        assert_eq!(handler.0 as usize, self.added.len());
        self.added.push(line);
        for part in self.lines[line].split('|').skip(1) {
            let (verb, rest) = part.trim().split_once(' ').unwrap_or((part.trim(), ""));
            let flags = rest.split_whitespace();
            let engine = &mut self.engine;
            match verb {
                "all" => engine.add_condition(handler, Kind::All, flags).unwrap(),
                "any" => engine.add_condition(handler, Kind::Any, flags).unwrap(),
                "none" => engine.add_condition(handler, Kind::None, flags).unwrap(),
                "not_all" => engine.add_condition(handler, Kind::NotAll, flags).unwrap(),
                "watch" => engine.watch(handler, flags).unwrap(),
                "hooks" => engine.confine(handler, Phase::Hooks.into()).unwrap(),
                "other" => engine.confine(handler, Phases::from_bits(2)).unwrap(),
                "restricted" => engine.confine(handler, Phase::Restricted.into()).unwrap(),
                "opaque" => engine.set_opaque(handler).unwrap(),
                "do" | "later" => {}
                other => panic!("no such part: {other}"),
            }
        }
    }

    fn part(&self, line: usize, verb: &str) -> Option<&str> {
        let mut parts = self.lines[line].split('|').skip(1).map(str::trim);
        parts.find_map(|part| match part.split_once(' ') {
            Some((first, rest)) if first == verb => Some(rest),
            None if part == verb => Some(""),
            _ => None,
        })
    }

    fn name(&self, handler: HandlerId) -> String {
        let line = &self.lines[self.added[handler.0 as usize]];
        line.split('|').next().unwrap().trim().to_owned()
    }

    fn say(&mut self, word: &str) {
        self.trace += " ";
        self.trace += word;
    }
}
