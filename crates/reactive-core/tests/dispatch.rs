//! Dispatch: who is invoked, in which phase and iteration, and how it ends.

#![allow(missing_docs)]

mod common;

use common::{make, names, set_flags, Charm};
use reactive_core::{Engine, Error, HandlerId, Kind, Phase, Step, MAX_ITERATIONS};

/// Runs a hook of a charm in which `before` was made.
#[track_caller]
fn check(handlers: &[&str], before: &str, expected: &[&str]) {
    let mut charm = Charm::new(handlers);
    make(&mut charm.engine, before);
    assert_eq!(charm.run(false).lines().collect::<Vec<_>>(), expected);
}

#[track_caller]
fn check_restricted(handlers: &[&str], before: &str, expected: &[&str]) {
    let mut charm = Charm::new(handlers);
    make(&mut charm.engine, before);
    assert_eq!(charm.run(true).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn no_handlers() {
    check(&[], "", &["hooks []", "other [] done"]);
    check_restricted(&[], "", &["restricted [] done"]);
}

#[test]
fn each_phase_has_its_handlers() {
    let handlers =
        ["flags | all a", "hook | hooks", "meter | restricted", "anywhere", "only | other"];
    check(
        &handlers,
        "+a",
        &[
            "hooks [hook anywhere] hook anywhere",
            "other [flags anywhere only] flags anywhere only",
            "other [anywhere only] anywhere only",
        ]
        .into_iter()
        .chain(std::iter::repeat_n("other [anywhere only] anywhere only", MAX_ITERATIONS - 2))
        .chain(["other limit 2"])
        .collect::<Vec<_>>(),
    );
    check_restricted(&handlers, "+a", &["restricted [meter anywhere] meter anywhere done"]);
}

#[test]
fn confining_twice_is_confining_to_both() {
    check(&["h | hooks | all a", "i | hooks | restricted"], "+a", &["hooks []", "other [] done"]);
    check_restricted(&["i | hooks | restricted"], "", &["restricted [] done"]);
}

#[test]
fn iteration_0_takes_all_that_hold_and_later_ones_those_whose_flags_changed() {
    check(
        &["a | all x | do +y", "b | all y | do +z", "c | any z x", "d | none y", "e | all x"],
        "+x",
        &["hooks []", "other [a c d e] a c d e", "other [b] b", "other [c] c", "other [] done"],
    );
}

#[test]
fn handlers_of_the_hook_start_what_follows() {
    check(
        &["on | all go | do +gone", "after | all gone", "start | hooks | do +go"],
        "",
        &["hooks [start] start", "other [on] on", "other [after] after", "other [] done"],
    );
}

#[test]
fn the_order_is_the_order_of_registration() {
    check(
        &[
            "h | hooks | do +c +b +a",
            "z | all c | do +q +p",
            "y | all b",
            "x | all a",
            "w | any p",
            "v | any q p",
        ],
        "",
        &["hooks [h] h", "other [z y x] z y x", "other [w v] w v", "other [] done"],
    );
}

#[test]
fn the_queue_is_fixed_when_the_iteration_begins() {
    check(
        &["a | all x | do +y", "b | all y", "c | all x"],
        "+x",
        &["hooks []", "other [a c] a c", "other [b] b", "other [] done"],
    );
}

#[test]
fn clearing_a_flag_has_the_rest_of_the_queue_match_anew() {
    check(
        &["a | all x | do -y", "b | all x y", "c | all x"],
        "+x +y",
        &["hooks []", "other [a b c] a c", "other [] done"],
    );
    // Cleared and set again before the handler returned: it still matches.
    check(
        &["a | all x | do -y +y", "b | all x y"],
        "+x +y",
        &["hooks []", "other [a b] a b", "other [b] b", "other [] done"],
    );
    // Setting a flag takes nobody out.
    check(
        &["a | all x | do +y", "b | none y"],
        "+x",
        &["hooks []", "other [a b] a b", "other [] done"],
    );
    // One that has left does not come back in this iteration.
    check(
        &["a | all x | do -y", "b | all x | do +y -z", "c | all x y", "d | all x z"],
        "+x +y +z",
        &["hooks []", "other [a b c d] a b", "other [c] c", "other [] done"],
    );
}

#[test]
fn a_retest_asks_opaque_predicates_again() {
    check(
        &["a | all x | do -y", "b | all x | opaque yes", "c | all x | opaque no", "d | all x"],
        "+x +y",
        &["hooks []", "other b? c? [a b d] a b? b d", "other [] done"],
    );
    // A predicate that clears a flag does not have the queue tested for ever.
    check(
        &["a | all x | do -y", "b | all x | opaque -z +z yes", "c | all x z"],
        "+x +y +z",
        &["hooks []", "other b? [a b c] a b? b c", "other [c] c", "other [] done"],
    );
}

#[test]
fn opaque_predicates_are_asked_only_when_all_else_holds() {
    check(
        &[
            "a | opaque no",
            "b | all x | opaque yes",
            "c | all y | opaque yes",
            "d | hooks | opaque yes",
        ],
        "+x",
        &["hooks a? d? [d] d", "other a? b? [b] b", "other a? [] done"],
    );
}

#[test]
fn a_predicate_may_change_flags_while_it_is_asked() {
    // Handlers that come after it see the change, those before it do not.
    check(
        &["a | all y", "b | all x | opaque +y no", "c | all y", "d | none y"],
        "+x",
        &["hooks []", "other b? [c] c", "other [a c] a c", "other [] done"],
    );
    // The same in a later iteration, for which the changed flags decide who is looked at.
    check(
        &[
            "s | all x | do +p",
            "a | all p q",
            "b | all p | opaque +q no",
            "c | all p q",
            "d | all q",
        ],
        "+x",
        &["hooks []", "other [s] s", "other b? [c] c", "other [a c d] a c d", "other [] done"],
    );
}

#[test]
fn handlers_added_while_it_runs_take_part_from_the_next_iteration() {
    check(
        &["a | all x | do add:b", "b | later | all x | do +y", "c | all y"],
        "+x",
        &["hooks []", "other [a] a", "other [] done"],
    );
    check(
        &["h | hooks | do add:b", "b | later | all x | do +y", "c | all y"],
        "+x",
        &["hooks [h] h", "other [b] b", "other [c] c", "other [] done"],
    );
    check(
        &["a | all x | do add:b +y", "b | later | all y"],
        "+x",
        &["hooks []", "other [a] a", "other [b] b", "other [] done"],
    );
    // Added by a predicate, it comes after it.
    check(
        &["a | all x | opaque add:b no", "b | later | all x"],
        "+x",
        &["hooks []", "other a? [b] b", "other [] done"],
    );
}

#[test]
fn forgetting_all_handlers_leaves_nothing_to_invoke() {
    check(
        &["a | all x | do forget", "b | all x", "c | all x"],
        "+x",
        &["hooks []", "other [a b c] a", "other [] done"],
    );
    check(
        &["a | all x | do -y forget", "b | all x y"],
        "+x +y",
        &["hooks []", "other [a b] a", "other [] done"],
    );
    // A predicate that forgets its own handler is not believed.
    check(&["a | all x | opaque forget yes", "b | all x"], "+x", &["hooks []", "other a? [] done"]);
}

#[test]
fn touching_a_flag_counts_as_a_change() {
    check(
        &["a | all x | do ~y", "b | all y", "c | none y"],
        "+x +y",
        &["hooks []", "other [a b] a b", "other [b] b", "other [] done"],
    );
}

#[test]
fn a_load_counts_as_changes() {
    check(
        &["a | all x | do load:y", "b | all y", "c | all x"],
        "+x",
        &["hooks []", "other [a c] a", "other [b] b", "other [] done"],
    );
}

#[test]
fn watched_flags_let_a_handler_match_only_after_a_change() {
    check(
        &["w | watch f | other", "a | all x | do +f", "b | all f"],
        "+x",
        &["hooks []", "other [w a] w a", "other [w b] w b", "other [] done"],
    );
}

#[test]
fn abort_ends_it_wherever_it_is() {
    check(&["a | all x | do abort", "b | all x"], "+x", &["hooks []", "other [a b] a aborted"]);

    let mut engine = Engine::new();
    engine.abort();
    let handler = engine.add_handler();
    engine.set_opaque(handler).unwrap();
    engine.start(false).unwrap();
    engine.step().unwrap();
    assert_eq!(engine.step(), Ok(Step::Test(handler)));
    engine.abort();
    assert_eq!((engine.phase(), engine.queue().len()), (None, 0));
    assert_eq!(engine.answer(true), Err(Error::NotAsked));
    assert_eq!(engine.step(), Err(Error::NoDispatch));
    assert_eq!(engine.start(true), Ok(()));
    assert_eq!(engine.step(), Ok(Step::Begin(Phase::Restricted)));
}

/// A charm in which handler 0 starts a chain of so many handlers.
fn chain(length: usize) -> Vec<String> {
    (0..length).map(|number| format!("h{number} | all f{number} | do +f{}", number + 1)).collect()
}

#[test]
fn a_chain_of_100_handlers_is_no_loop() {
    for length in [1, 99, 100, 101] {
        let lines = chain(length);
        let mut charm = Charm::new(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        make(&mut charm.engine, "+f0");
        let trace = charm.run(false);
        let last = trace.lines().last().unwrap();
        let limit = length > MAX_ITERATIONS;
        // At the limit no queue is announced any more.
        let expected = match (limit, length == MAX_ITERATIONS) {
            (true, _) => "other limit 1",
            (_, true) => "other done",
            (_, false) => "other [] done",
        };
        assert_eq!(last, expected, "{length}");
        assert_eq!(charm.engine.is_set(&format!("f{length}")), !limit);
        assert_eq!(charm.engine.iteration(), length.min(MAX_ITERATIONS));
    }
}

#[test]
fn a_ping_pong_stops_at_the_limit_with_its_queue_to_look_at() {
    let mut charm =
        Charm::new(&["ping | none ball | do +ball", "pong | all ball | do -ball", "other | all x"]);
    let trace = charm.run(false);
    assert_eq!(trace.lines().count(), 1 + MAX_ITERATIONS + 1);
    assert_eq!(trace.lines().last(), Some("other limit 1"));
    assert_eq!(charm.engine.queue().collect::<Vec<_>>(), [HandlerId(0)]);
    assert_eq!(names(&charm.engine, charm.engine.changed()), "ball");
    assert_eq!(charm.engine.iteration(), MAX_ITERATIONS);
    // The next dispatch begins anew.
    charm.engine.start(false).unwrap();
    assert_eq!((charm.engine.queue().len(), charm.engine.iteration()), (0, 0));
    assert_eq!(set_flags(&charm.engine), "");
}

#[test]
fn driving_it_out_of_order_is_an_error() {
    let mut engine = Engine::new();
    assert_eq!(engine.step(), Err(Error::NoDispatch));
    assert_eq!(engine.answer(true), Err(Error::NotAsked));
    let handler = engine.add_handler();
    engine.add_condition(handler, Kind::All, []).unwrap();
    engine.set_opaque(handler).unwrap();
    engine.start(false).unwrap();
    assert_eq!(engine.start(true), Err(Error::DispatchRunning));
    let mut steps = Vec::new();
    while !matches!(steps.last(), Some(Step::Test(_))) {
        steps.push(engine.step().unwrap());
    }
    assert_eq!(
        steps,
        [
            Step::Begin(Phase::Hooks),
            Step::Queued(0),
            Step::Begin(Phase::Other),
            Step::Test(handler)
        ]
    );
    for _ in 0..2 {
        assert_eq!(engine.step(), Err(Error::Unanswered(handler)));
    }
    engine.answer(true).unwrap();
    assert_eq!(engine.answer(true), Err(Error::NotAsked));
    assert_eq!(engine.step(), Ok(Step::Queued(1)));
    assert_eq!(engine.step(), Ok(Step::Invoke(handler)));

    for (error, text) in [
        (Error::NoDispatch, "no dispatch is running"),
        (Error::DispatchRunning, "a dispatch is running already"),
        (Error::NotAsked, "no handler was asked about"),
        (Error::NoChangeWaiting, "no change is waiting for a callback"),
        (Error::Unanswered(handler), "handler 0 was asked about and has no answer yet"),
    ] {
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn handlers_are_found_among_many_idle_ones() {
    let mut lines: Vec<String> =
        (0..1_000).map(|idle| format!("i{idle} | all idle{idle}")).collect();
    lines.insert(700, "first | all go | do +gone".to_owned());
    lines.insert(100, "second | all gone | do +idle63 +idle64 +idle999".to_owned());
    check(
        &lines.iter().map(String::as_str).collect::<Vec<_>>(),
        "+go",
        &[
            "hooks []",
            "other [first] first",
            "other [second] second",
            "other [i63 i64 i999] i63 i64 i999",
            "other [] done",
        ],
    );
}
