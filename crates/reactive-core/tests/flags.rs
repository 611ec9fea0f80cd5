//! Flags: which are set, what a load changes, what counts as changed.

#![allow(missing_docs)]

mod common;

use common::{make, names, set_flags};
use reactive_core::Engine;

#[track_caller]
fn check(changes: &str, expected: &str) {
    let mut engine = Engine::new();
    make(&mut engine, changes);
    assert_eq!(set_flags(&engine), expected);
    let set: Vec<&str> = expected.split_whitespace().collect();
    assert_eq!(engine.flag_count(), set.len());
    assert!(engine.all_set(set.iter().copied()));
    assert_eq!(engine.any_set(set.iter().copied()), !set.is_empty());
    assert!(!engine.all_set(set.iter().copied().chain(["nobody"])));
}

#[test]
fn flags_are_sorted_by_code_point() {
    check("", "");
    check("+b +a +c", "a b c");
    check("+b +a -b", "a");
    check("-a", "");
    check("+ab +a +a.b +B +é +z +\u{1f600} +\u{ffff}", "B a a.b ab z é \u{ffff} \u{1f600}");
}

#[test]
fn changing_a_flag_to_what_it_is_changes_nothing() {
    let mut engine = Engine::new();
    assert_eq!(engine.change("a", false), Ok(None));
    assert_eq!(engine.change("a", true), Ok(Some(Vec::new())));
    assert_eq!(engine.change("a", true), Ok(None));
    assert_eq!(engine.change("a", false), Ok(Some(Vec::new())));
    assert_eq!(engine.change("a", false), Ok(None));
    assert_eq!(names(&engine, engine.pending()), "a");
}

#[test]
fn no_flags_are_all_set_and_none_of_them_is() {
    let engine = Engine::new();
    assert!(engine.all_set([]));
    assert!(!engine.any_set([]));
}

#[test]
fn unknown_flags_are_not_set_and_not_interned() {
    let mut engine = Engine::new();
    assert!(!engine.is_set("asked"));
    assert!(!engine.any_set(["asked", "for"]));
    assert!(engine.dependents("asked").is_empty());
    assert!(engine.trigger("asked", true).is_none());
    engine.change("asked", false).unwrap();
    engine.change("told", true).unwrap();
    // The first name that the engine keeps is the one it was told.
    assert_eq!(engine.flags()[0].index(), 0);
}

#[test]
fn an_id_of_another_engine_has_no_name() {
    let mut engine = Engine::new();
    engine.change("a", true).unwrap();
    assert_eq!(Engine::new().name(engine.flags()[0]), None);
}

#[test]
fn changes_are_pending_in_order_of_the_first() {
    let mut engine = Engine::new();
    make(&mut engine, "+b +a -b +c");
    engine.touch("d");
    engine.touch("a");
    assert_eq!(names(&engine, engine.pending()), "b a c d");
    assert_eq!(names(&engine, engine.changed()), "");
    engine.start(false).unwrap();
    assert_eq!(names(&engine, engine.pending()), "");
    assert_eq!(set_flags(&engine), "a c");
}

#[track_caller]
fn check_load(before: &str, load: &str, expected: &str) {
    let mut engine = Engine::new();
    make(&mut engine, before);
    engine.start(false).unwrap();
    // Triggers do not hear of a load.
    for flag in ["a", "b", "c"] {
        engine.add_trigger(flag, true, Some("wrong"), None, None);
        engine.add_trigger(flag, false, Some("wrong"), None, None);
    }
    let changes = engine.load(load.split_whitespace());
    let words: Vec<String> = changes
        .iter()
        .map(|&(flag, on)| format!("{}{}", if on { '+' } else { '-' }, engine.name(flag).unwrap()))
        .collect();
    assert_eq!(words.join(" "), expected);
    let pending: Vec<_> = changes.iter().map(|&(flag, _)| flag).collect();
    assert_eq!(engine.pending(), pending);
    let mut wanted: Vec<&str> = load.split_whitespace().collect();
    wanted.sort_unstable();
    wanted.dedup();
    assert_eq!(set_flags(&engine), wanted.join(" "));
}

#[test]
fn load_says_what_was_cleared_and_then_what_was_set() {
    check_load("", "", "");
    check_load("+a +b", "b a", "");
    check_load("", "b a b", "+a +b");
    check_load("+b +a +c", "", "-a -b -c");
    check_load("+z +b +a", "y a c y", "-b -z +c +y");
}
