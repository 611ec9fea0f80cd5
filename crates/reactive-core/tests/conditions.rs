//! Conditions: when they hold, and that the engine knows it after every change.

#![allow(missing_docs)]

mod common;

use common::make;
use reactive_core::{Engine, Error, HandlerId, Kind, Phase, Step};

/// Checks a condition over `flags` with `set` set: set before it is added, and set after.
#[track_caller]
fn check(kind: Kind, flags: &str, set: &str, expected: bool) {
    let changes: Vec<String> = set.split_whitespace().map(|flag| format!("+{flag}")).collect();
    let changes = changes.join(" ");
    let mut early = Engine::new();
    make(&mut early, &changes);
    let handler = early.add_handler();
    early.add_condition(handler, kind, flags.split_whitespace()).unwrap();
    assert_eq!(early.is_ready(handler), Ok(expected), "set before");

    let mut late = Engine::new();
    let handler = late.add_handler();
    late.add_condition(handler, kind, flags.split_whitespace()).unwrap();
    make(&mut late, &changes);
    assert_eq!(late.is_ready(handler), Ok(expected), "set after");

    let mut loaded = Engine::new();
    let handler = loaded.add_handler();
    loaded.add_condition(handler, kind, flags.split_whitespace()).unwrap();
    make(&mut loaded, "+a +b +c");
    loaded.load(set.split_whitespace());
    assert_eq!(loaded.is_ready(handler), Ok(expected), "loaded");
}

#[test]
fn all() {
    check(Kind::All, "a b", "", false);
    check(Kind::All, "a b", "a", false);
    check(Kind::All, "a b", "b c", false);
    check(Kind::All, "a b", "a b", true);
    check(Kind::All, "a", "a b", true);
}

#[test]
fn any() {
    check(Kind::Any, "a b", "", false);
    check(Kind::Any, "a b", "c", false);
    check(Kind::Any, "a b", "b", true);
    check(Kind::Any, "a b", "a b", true);
}

#[test]
fn none() {
    check(Kind::None, "a b", "", true);
    check(Kind::None, "a b", "c", true);
    check(Kind::None, "a b", "a", false);
    check(Kind::None, "a b", "a b", false);
}

#[test]
fn not_all() {
    check(Kind::NotAll, "a b", "", true);
    check(Kind::NotAll, "a b", "a", true);
    check(Kind::NotAll, "a b", "b c", true);
    check(Kind::NotAll, "a b", "a b", false);
}

#[test]
fn over_no_flags() {
    for set in ["", "a"] {
        check(Kind::All, "", set, true);
        check(Kind::Any, "", set, false);
        check(Kind::None, "", set, true);
        check(Kind::NotAll, "", set, false);
    }
}

#[test]
fn a_flag_named_twice_counts_once() {
    check(Kind::All, "a a b", "a b", true);
    check(Kind::All, "a a b", "a", false);
    check(Kind::Any, "a a", "a", true);
    check(Kind::None, "a a", "a", false);
    check(Kind::NotAll, "a a b", "a", true);
    check(Kind::NotAll, "a a", "a", false);
}

#[test]
fn all_conditions_of_a_handler_must_hold() {
    let mut engine = Engine::new();
    let handler = engine.add_handler();
    engine.add_condition(handler, Kind::All, ["a", "b"]).unwrap();
    engine.add_condition(handler, Kind::None, ["c", "d"]).unwrap();
    engine.add_condition(handler, Kind::Any, ["a", "e"]).unwrap();
    for (changes, ready) in [
        ("", false),
        ("+a", false),
        ("+b", true),
        ("+c", false),
        ("+d", false),
        ("-c", false),
        ("-d", true),
        ("+e -a", false),
        ("+a", true),
        ("-e", true),
    ] {
        make(&mut engine, changes);
        assert_eq!(engine.is_ready(handler), Ok(ready), "after {changes}");
    }
}

#[test]
fn dependents_are_those_that_watch_the_flag_by_id() {
    let mut engine = Engine::new();
    let handlers: Vec<HandlerId> = (0..4).map(|_| engine.add_handler()).collect();
    engine.add_condition(handlers[3], Kind::All, ["a"]).unwrap();
    engine.add_condition(handlers[0], Kind::None, ["a", "b"]).unwrap();
    engine.add_condition(handlers[0], Kind::NotAll, ["a", "c"]).unwrap();
    engine.watch(handlers[2], ["a", "a"]).unwrap();
    engine.add_condition(handlers[1], Kind::All, ["b"]).unwrap();

    let [zero, one, two, three] = handlers[..] else { unreachable!() };
    assert_eq!(engine.dependents("a"), [(zero, true), (two, true), (three, false)]);
    assert_eq!(engine.dependents("b"), [(zero, true), (one, false)]);
    make(&mut engine, "+a");
    assert_eq!(engine.dependents("a"), [(zero, false), (two, true), (three, true)]);

    engine.clear_handlers();
    assert_eq!(engine.dependents("a"), []);
    assert_eq!(engine.handler_count(), 0);
    make(&mut engine, "-a");
    assert_eq!(engine.add_handler(), zero);
    assert_eq!(engine.is_ready(zero), Ok(true));
}

#[test]
fn watched_changed_is_about_the_previous_iteration() {
    let mut engine = Engine::new();
    let other = engine.add_handler();
    engine.confine(other, Phase::Hooks.into()).unwrap();
    let watcher = engine.add_handler();
    engine.watch(watcher, ["b", "a"]).unwrap();
    engine.start(false).unwrap();
    assert_eq!(engine.step(), Ok(Step::Begin(Phase::Hooks)));
    make(&mut engine, "+a");
    assert_eq!(engine.watched_changed(watcher), Ok(false));
    while engine.phase() == Some(Phase::Hooks) {
        engine.step().unwrap();
    }
    assert_eq!(engine.watched_changed(watcher), Ok(true));
    assert_eq!(engine.watched_changed(other), Ok(false));
}

#[test]
fn a_handler_that_does_not_exist_is_an_error() {
    let mut engine = Engine::new();
    engine.add_handler();
    for id in [1, 2, u32::MAX] {
        let handler = HandlerId(id);
        let error = Error::NoSuchHandler(handler);
        assert_eq!(engine.add_condition(handler, Kind::All, ["a"]), Err(error.clone()));
        assert_eq!(engine.watch(handler, ["a"]), Err(error.clone()));
        assert_eq!(engine.confine(handler, Phase::Other.into()), Err(error.clone()));
        assert_eq!(engine.set_opaque(handler), Err(error.clone()));
        assert_eq!(engine.is_ready(handler), Err(error.clone()));
        assert_eq!(engine.watched_changed(handler), Err(error.clone()));
        assert_eq!(error.to_string(), format!("no such handler: {id}"));
    }
    assert!(engine.dependents("a").is_empty());
}
