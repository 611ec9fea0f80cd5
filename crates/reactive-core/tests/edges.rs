//! What handlers hear of flags that become set or cleared, and a quiet dispatch.

mod common;

use common::make;
use reactive_core::{Engine, Error, HandlerId, Kind, Step};

/// The handlers that a dispatch invokes, in order.
fn invoked(engine: &mut Engine, quiet: bool) -> Vec<u32> {
    if quiet {
        engine.start_quietly(false).unwrap();
    } else {
        engine.start(false).unwrap();
    }
    let mut found = Vec::new();
    loop {
        match engine.step().unwrap() {
            Step::Invoke(HandlerId(number)) => found.push(number),
            Step::Done | Step::Limit(_) => return found,
            _ => {}
        }
    }
}

fn heard(engine: &Engine, handler: HandlerId) -> Vec<(String, bool)> {
    let edges = engine.heard(handler).unwrap().into_iter();
    edges.map(|(flag, on)| (engine.name(flag).unwrap().to_owned(), on)).collect()
}

#[test]
fn an_edge_is_heard_once_until_the_flag_changes_back() {
    let mut engine = Engine::new();
    let set = engine.add_handler();
    engine.add_edge(set, "a", true).unwrap();
    let cleared = engine.add_handler();
    engine.add_edge(cleared, "a", false).unwrap();
    engine.hear(cleared, "a", false).unwrap();
    for (changes, expected) in
        [("", vec![]), ("+a", vec![0]), ("", vec![]), ("-a", vec![1]), ("+a -a", vec![1])]
    {
        make(&mut engine, changes);
        assert_eq!(invoked(&mut engine, false), expected, "{changes}");
    }
}

#[test]
fn several_edges_are_heard_at_once_and_forgotten_at_once() {
    let mut engine = Engine::new();
    let handler = engine.add_handler();
    for flag in ["a", "b", "b"] {
        engine.add_edge(handler, flag, true).unwrap();
    }
    engine.add_condition(handler, Kind::All, ["x"]).unwrap();
    make(&mut engine, "+a +b");
    assert_eq!(invoked(&mut engine, false), []);
    make(&mut engine, "+x");
    assert_eq!(invoked(&mut engine, false), [0]);
    assert_eq!(heard(&engine, handler), [("a".to_owned(), true), ("b".to_owned(), true)]);
    engine.forget_heard();
    assert!(engine.is_ready(handler).unwrap());
    assert_eq!(heard(&engine, handler), []);
}

#[test]
fn a_cycle_leaves_heard_what_was_heard() {
    let mut engine = Engine::new();
    let handler = engine.add_handler();
    engine.add_edge(handler, "a", true).unwrap();
    make(&mut engine, "+a");
    assert_eq!(invoked(&mut engine, false), [0]);
    for line in ["-a: +b", "+b: +a", "+a: -a"] {
        common::add_trigger(&mut engine, line);
    }
    assert!(matches!(engine.change("a", false), Err(Error::TriggerCycle(_))));
    assert_eq!(heard(&engine, handler), [("a".to_owned(), true)]);
    assert!(!engine.is_ready(handler).unwrap());
}

#[test]
fn a_quiet_dispatch_leaves_out_levels_that_have_not_changed() {
    let mut engine = Engine::new();
    for flag in ["a", "b"] {
        let level = engine.add_handler();
        engine.add_condition(level, Kind::All, [flag]).unwrap();
    }
    let edge = engine.add_handler();
    engine.add_edge(edge, "a", true).unwrap();
    make(&mut engine, "+a +b");
    assert_eq!(invoked(&mut engine, true), [2]);
    engine.start_quietly(false).unwrap();
    engine.touch("b");
    let mut found = Vec::new();
    while let Ok(step) = engine.step() {
        if let Step::Invoke(HandlerId(number)) = step {
            found.push(number);
        }
    }
    assert_eq!(found, [1]);
    assert_eq!(invoked(&mut engine, false), [0, 1]);
}

#[test]
fn a_handler_that_there_is_not_hears_nothing() {
    let mut engine = Engine::new();
    let nobody = HandlerId(0);
    assert_eq!(engine.add_edge(nobody, "a", true), Err(Error::NoSuchHandler(nobody)));
    assert_eq!(engine.hear(nobody, "a", true), Err(Error::NoSuchHandler(nobody)));
    assert_eq!(engine.heard(nobody), Err(Error::NoSuchHandler(nobody)));
}
