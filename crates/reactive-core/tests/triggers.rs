//! Triggers: order, nesting, callbacks, and cycles that leave nothing behind.

#![allow(missing_docs)]

mod common;

use common::{add_trigger, change_of, effects, make, names, set_flags};
use reactive_core::{CallbackId, Effect, Engine, Error, Kind, Step};

fn engine(triggers: &[&str]) -> Engine {
    let mut engine = Engine::new();
    for line in triggers {
        add_trigger(&mut engine, line);
    }
    engine
}

/// Makes `change` after `before`, running callbacks that do nothing, and checks what follows.
#[track_caller]
fn check(triggers: &[&str], before: &str, change: &str, expected: &str) {
    let mut engine = Engine::new();
    make(&mut engine, before);
    for line in triggers {
        add_trigger(&mut engine, line);
    }
    let (flag, on) = change_of(change);
    let mut found = engine.change(flag, on).unwrap().unwrap();
    let mut words = vec![effects(&engine, &found)];
    while let Some(Effect::Call(_)) = found.last() {
        found = engine.resume().unwrap();
        words.push(effects(&engine, &found));
    }
    words.retain(|word| !word.is_empty());
    assert_eq!(words.join(" "), expected);
    assert_eq!(engine.resume(), Err(Error::NoChangeWaiting));
}

#[test]
fn sets_come_before_clears_and_clears_before_callbacks() {
    check(&["+a: !1 -x +b !0 -y +c"], "+x +y", "+a", "+b +c -x -y !1 !0");
}

#[test]
fn an_edge_fires_only_on_its_own_change() {
    check(&["+a: +b", "-a: +c"], "", "+a", "+b");
    check(&["+a: +b", "-a: +c"], "+a", "-a", "+c");
    check(&["-a: +c"], "", "+a", "");
}

#[test]
fn the_same_action_twice_is_one_action() {
    check(&["+a: +b !0 +c", "+a: +c +b !0 !1"], "", "+a", "+b +c !0 !1");
}

#[test]
fn what_is_so_already_has_no_effect() {
    check(&["+a: +b -c", "+b: +d"], "+b", "+a", "");
}

#[test]
fn nested_changes_run_depth_first() {
    check(
        &["+a: +b +c -x !9", "+b: +d !8", "+c: +e", "+d: +f", "-x: +g"],
        "+x",
        "+a",
        "+b +d +f !8 +c +e -x +g !9",
    );
}

#[test]
fn a_chain_may_come_back_to_a_flag_by_the_other_edge() {
    // Set by a change that is still being made, cleared by what follows from it.
    check(&["+a: +b", "+b: -a", "-a: +c"], "", "+a", "+b -a +c");
}

#[test]
fn a_change_that_is_over_may_be_made_again() {
    check(&["+a: +b +c", "+b: +x", "+c: -b +d", "+d: +b"], "", "+a", "+b +x +c +d -b");
    check(&["+a: +b +c", "+b: !0", "+c: -b", "-b: +d", "+d: +b"], "", "+a", "+b !0 +c -b +d +b !0");
}

#[test]
fn actions_are_fixed_when_the_change_begins() {
    let mut engine = engine(&["+a: !0 !1"]);
    assert_eq!(engine.change("a", true), Ok(Some(vec![Effect::Call(CallbackId(0))])));
    add_trigger(&mut engine, "+a: +late !2");
    assert_eq!(engine.resume(), Ok(vec![Effect::Call(CallbackId(1))]));
    engine.clear_triggers();
    assert_eq!(engine.resume(), Ok(vec![]));
    assert_eq!(set_flags(&engine), "a");

    add_trigger(&mut engine, "+a: +late !2");
    make(&mut engine, "-a");
    let found = engine.change("a", true).unwrap().unwrap();
    assert_eq!(effects(&engine, &found), "+late !2");
}

#[test]
fn triggers_are_listed_in_the_order_in_which_edges_were_named() {
    let engine = engine(&["+b: !0", "-a: +x", "+a: -y -x +z", "+c: !1", "+b: +y", "-a: +w"]);
    let lines: Vec<String> = engine
        .triggers()
        .map(|edge| {
            format!(
                "{}{}: +[{}] -[{}]",
                if edge.on { '+' } else { '-' },
                engine.name(edge.flag).unwrap(),
                names(&engine, edge.sets),
                names(&engine, edge.clears),
            )
        })
        .collect();
    assert_eq!(lines, ["+b: +[y] -[]", "-a: +[x w] -[]", "+a: +[z] -[y x]"]);

    let both = engine.trigger("b", true).unwrap();
    assert_eq!((names(&engine, both.sets).as_str(), both.callbacks), ("y", &[CallbackId(0)][..]));
    assert_eq!(engine.trigger("b", false), None);
}

#[test]
fn clear_triggers_forgets_all() {
    let mut engine = engine(&["+a: +b", "-a: +c"]);
    engine.clear_triggers();
    assert_eq!(engine.triggers().count(), 0);
    make(&mut engine, "+a -a");
    assert_eq!(set_flags(&engine), "");
}

#[test]
fn a_chain_may_be_longer_than_any_stack() {
    let mut engine = Engine::new();
    for number in 0..10_000 {
        let (flag, next) = (format!("f{number}"), format!("f{}", number + 1));
        engine.add_trigger(&flag, true, Some(&next), None, None);
    }
    let found = engine.change("f0", true).unwrap().unwrap();
    assert_eq!(found.len(), 10_000);
    assert_eq!(engine.flag_count(), 10_001);

    engine.load([]);
    engine.add_trigger("f10000", true, None, Some("f0"), None);
    engine.add_trigger("f0", false, Some("f0"), None, None);
    let Err(Error::TriggerCycle(steps)) = engine.change("f0", true) else { panic!() };
    assert_eq!(steps.len(), 10_003);
    assert_eq!(engine.flag_count(), 0);
}

/// Makes `change`, which must end in this cycle and leave everything as it was.
#[track_caller]
fn check_cycle(triggers: &[&str], before: &str, change: &str, expected: &str) {
    let mut engine = Engine::new();
    make(&mut engine, before);
    for line in triggers {
        add_trigger(&mut engine, line);
    }
    let handler = engine.add_handler();
    engine.add_condition(handler, Kind::All, ["a"]).unwrap();
    let flags = engine.flags();
    let ready = engine.is_ready(handler);
    engine.start(false).unwrap();
    engine.touch("earlier");
    let pending = engine.pending().to_vec();

    let (flag, on) = change_of(change);
    let error = engine.change(flag, on).unwrap_err();
    assert_eq!(error.to_string(), format!("triggers form a cycle: {expected}"));
    assert_eq!(engine.flags(), flags);
    assert_eq!(engine.pending(), pending);
    assert_eq!(engine.is_ready(handler), ready);
    assert_eq!(engine.resume(), Err(Error::NoChangeWaiting));

    // Not a trace of the change is left: made again, it fails in the same way.
    assert_eq!(engine.change(flag, on), Err(error));
}

#[test]
fn a_cycle_is_an_error_that_names_it() {
    check_cycle(&["+a: -a", "-a: +a"], "", "+a", "set a -> clear a -> set a");
    check_cycle(
        &["+a: +b", "+b: +c -a", "-a: -b +a"],
        "",
        "+a",
        "set a -> set b -> clear a -> set a",
    );
    check_cycle(
        &["+a: +x +b", "+b: -c", "-c: +d -b", "-b: +c +b", "+c: -d"],
        "+c",
        "+a",
        "set b -> clear c -> clear b -> set b",
    );
    check_cycle(
        &["-a: +b", "+b: +a", "+a: -a"],
        "+a",
        "-a",
        "clear a -> set b -> set a -> clear a",
    );
}

#[test]
fn a_cycle_through_a_callback_ends_only_the_inner_change() {
    let mut engine = engine(&["+a: +b !0 !1", "+b: -x", "+q: +r -a", "-a: +s +a"]);
    make(&mut engine, "+x");
    engine.start(false).unwrap();
    let found = engine.change("a", true).unwrap().unwrap();
    assert_eq!(effects(&engine, &found), "+b -x !0");
    // The callback makes a change of its own, whose chain comes back to the outer one.
    let error = engine.change("q", true).unwrap_err();
    assert_eq!(error.to_string(), "triggers form a cycle: set a -> set q -> clear a -> set a");
    assert_eq!(set_flags(&engine), "a b");
    assert_eq!(names(&engine, engine.pending()), "a b x");
    assert_eq!(engine.resume(), Ok(vec![Effect::Call(CallbackId(1))]));
    assert_eq!(engine.resume(), Ok(vec![]));
    assert_eq!(engine.resume(), Err(Error::NoChangeWaiting));
}

#[test]
fn a_callback_may_take_its_change_back_but_not_make_it_again() {
    let mut engine = engine(&["+a: +b !0"]);
    let found = engine.change("a", true).unwrap().unwrap();
    assert_eq!(effects(&engine, &found), "+b !0");
    assert_eq!(engine.change("a", false), Ok(Some(vec![])));
    let error = engine.change("a", true).unwrap_err();
    assert_eq!(error.to_string(), "triggers form a cycle: set a -> set a");
    assert_eq!(set_flags(&engine), "b");
    assert_eq!(engine.resume(), Ok(vec![]));
    // It is over now, and may be made anew.
    assert_eq!(engine.change("a", true).map(|effects| effects.map(|list| list.len())), Ok(Some(1)));
}

#[test]
fn a_cycle_after_a_callback_leaves_what_was_done_before_it() {
    let mut engine = engine(&["+z: +a +b", "+a: !0", "+b: +c -y", "-y: +q -z", "-z: +z"]);
    make(&mut engine, "+y");
    engine.start(false).unwrap();
    let found = engine.change("z", true).unwrap().unwrap();
    assert_eq!(effects(&engine, &found), "+a !0");
    let error = engine.resume().unwrap_err();
    assert_eq!(
        error.to_string(),
        "triggers form a cycle: set z -> set b -> clear y -> clear z -> set z"
    );
    assert_eq!(set_flags(&engine), "a y z");
    assert_eq!(names(&engine, engine.pending()), "z a");
    assert_eq!(engine.resume(), Err(Error::NoChangeWaiting));
}

#[test]
fn a_cycle_forgets_that_it_cleared_a_flag() {
    let mut engine = engine(&["+a: -x -a", "-a: +a"]);
    make(&mut engine, "+go +x");
    let handlers = [engine.add_handler(), engine.add_handler()];
    for handler in handlers {
        engine.add_condition(handler, Kind::All, ["go"]).unwrap();
        engine.set_opaque(handler).unwrap();
    }
    engine.start(false).unwrap();
    let mut steps = Vec::new();
    loop {
        match engine.step().unwrap() {
            Step::Test(handler) => {
                steps.push(format!("test {handler}"));
                engine.answer(true).unwrap();
            }
            Step::Invoke(handler) => {
                steps.push(format!("invoke {handler}"));
                assert!(matches!(engine.change("a", true), Err(Error::TriggerCycle(_))));
            }
            Step::Done => break,
            _ => {}
        }
    }
    // Nothing was cleared in the end, so that the second handler is not tested again.
    assert_eq!(steps, ["test 0", "test 1", "invoke 0", "invoke 1"]);
}

#[test]
fn callbacks_may_make_changes_with_callbacks() {
    let mut engine = engine(&["+a: !0 !1", "+b: +c !2"]);
    let outer = engine.change("a", true).unwrap().unwrap();
    assert_eq!(effects(&engine, &outer), "!0");
    let inner = engine.change("b", true).unwrap().unwrap();
    assert_eq!(effects(&engine, &inner), "+c !2");
    assert_eq!(engine.resume(), Ok(vec![]));
    assert_eq!(engine.resume(), Ok(vec![Effect::Call(CallbackId(1))]));
    assert_eq!(engine.resume(), Ok(vec![]));
    assert_eq!(engine.resume(), Err(Error::NoChangeWaiting));
}

#[test]
fn unwind_gives_up_the_innermost_change_only() {
    let mut engine = engine(&["+a: !0 !1", "+b: !2 !3", "+c: +b"]);
    engine.unwind();
    engine.change("a", true).unwrap();
    let inner = engine.change("c", true).unwrap().unwrap();
    assert_eq!(effects(&engine, &inner), "+b !2");
    engine.unwind();
    // What was done stays done.
    assert_eq!(set_flags(&engine), "a b c");
    assert_eq!(engine.resume(), Ok(vec![Effect::Call(CallbackId(1))]));
    engine.unwind();
    assert_eq!(engine.resume(), Err(Error::NoChangeWaiting));
    // A change that was given up is not being made any more.
    make(&mut engine, "-c -b -a");
    add_trigger(&mut engine, "+d: +a");
    let again = engine.change("d", true).unwrap().unwrap();
    assert_eq!(effects(&engine, &again), "+a !0");
}
