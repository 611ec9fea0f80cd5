//! What each command does.

use std::collections::BTreeSet;
use std::io::{self, Write};

use reactive_core::{Effect, Engine};
use serde_json::{json, Value};

use crate::arguments::{Call, Command, Format, Test};
use crate::hooks;
use crate::not_ours::NotOurs;
use crate::rows::{
    CHANGES, CLEAR_TRIGGERS, FLAGS, HEARD_CLEAR, HEARD_SET, INVOKED, PHASE, REMOVED, SET_TRIGGERS,
    WATCH,
};
use crate::specs::{without_line, Condition, Handler, HandlerId};
use crate::unit_state::UnitState;

/// Runs a command; its exit status.
pub(crate) fn run(call: &Call) -> Result<u8, NotOurs> {
    let mut state = UnitState::open()?;
    match &call.command {
        Command::Change { flag, on, value } => change(&mut state, flag, *on, value.as_deref())?,
        Command::RegisterTrigger { flag, on, set, clear } => {
            register_trigger(&mut state, flag, *on, set.as_deref(), clear.as_deref())?;
        }
        Command::MarkInvoked(ids) => mark_invoked(&mut state, ids)?,
        Command::GetFlags => return print_list(call.format, &state.flags()?),
        Command::GetUnsetFlags(flags) => {
            return print_list(call.format, &unset_flags(&state, flags)?);
        }
        Command::Test(handlers) => return print_text(call.format, &matching(&state, handlers)?),
        Command::Flags(test, flags) => return Ok(status(holds(&state, *test, flags)?)),
        Command::When(test, flags) => return Ok(status(when(&state, *test, flags)?)),
        Command::AnyHook(patterns) => return Ok(status(hooks::any_hook(patterns)?)),
        Command::Hook(patterns) => return Ok(status(hook(&state, patterns)?)),
        Command::OnlyOnce(id) => return Ok(status(!done_before(&state, id)?)),
    }
    Ok(0)
}

fn status(yes: bool) -> u8 {
    u8::from(!yes)
}

// -- changing ------------------------------------------------------------------------------------

/// Sets (`on`) or clears a flag, with all that triggers make of it.
fn change(state: &mut UnitState, flag: &str, on: bool, value: Option<&str>) -> Result<(), NotOurs> {
    if value.is_none() && !state.is_outside() && state.is_set(flag)? == on {
        return Ok(()); // no need to wait for anybody
    }
    state.begin_writing()?;
    let row = format!("{FLAGS}{flag}");
    if state.is_set(flag)? == on {
        // Another process was quicker, or only the value is new, or it is so by a hook that may be undone.
        match value {
            Some(value) => state.keep(&row, Some(&json!(value)))?,
            None => state.note_kept(&row)?,
        }
        return state.commit();
    }
    let mut engine = engine_with_triggers(state, flag)?;
    let effects = engine.change(flag, on).map_err(|_| NotOurs::Asked)?.unwrap_or_default();
    write(state, flag, on, &json!(value))?;
    let mut changes = vec![(flag.to_owned(), on)];
    for effect in effects {
        let (flag, on) = match effect {
            Effect::Set(flag) => (flag, true),
            Effect::Clear(flag) => (flag, false),
            Effect::Call(_) => return Err(NotOurs::Asked),
        };
        let flag = engine.name(flag).ok_or(NotOurs::Asked)?;
        write(state, flag, on, &Value::Null)?;
        changes.push((flag.to_owned(), on));
    }
    if state.is_lent() {
        note_changes(state, &changes)?;
    }
    state.commit()
}

fn write(state: &UnitState, flag: &str, on: bool, value: &Value) -> Result<(), NotOurs> {
    let row = format!("{FLAGS}{flag}");
    state.keep(&row, on.then_some(value))?;
    // What handlers have heard of it before is over.
    let heard = format!("{}{flag}", if on { HEARD_CLEAR } else { HEARD_SET });
    if state.has(&heard)? {
        state.keep(&heard, None)?;
    }
    Ok(())
}

/// An engine with all triggers of this hook and the flags that they may meet.
fn engine_with_triggers(state: &UnitState, flag: &str) -> Result<Engine, NotOurs> {
    let mut engine = Engine::new();
    let mut met = BTreeSet::from([flag.to_owned()]);
    for (prefix, on) in [(SET_TRIGGERS, true), (CLEAR_TRIGGERS, false)] {
        for (flag, actions) in state.values(prefix)? {
            for name in names(&actions, "set_flag")? {
                engine.add_trigger(&flag, on, Some(name), None, None);
                met.insert(name.to_owned());
            }
            for name in names(&actions, "clear_flag")? {
                engine.add_trigger(&flag, on, None, Some(name), None);
                met.insert(name.to_owned());
            }
        }
    }
    let mut set = Vec::new();
    for name in met {
        if state.is_set(&name)? {
            set.push(name);
        }
    }
    engine.load(set.iter().map(String::as_str));
    Ok(engine)
}

/// The flags under a key of a trigger's row; a missing one stands for none.
fn names<'a>(actions: &'a Value, key: &str) -> Result<Vec<&'a str>, NotOurs> {
    let actions = actions.as_object().ok_or(NotOurs::Asked)?;
    let Some(names) = actions.get(key) else { return Ok(Vec::new()) };
    let names = names.as_array().ok_or(NotOurs::Asked)?;
    names.iter().map(|name| name.as_str().ok_or(NotOurs::Asked)).collect()
}

/// Leaves changes for the dispatch that waits for this process.
fn note_changes(state: &UnitState, changes: &[(String, bool)]) -> Result<(), NotOurs> {
    let mut watch = state.value(WATCH)?.unwrap_or_else(|| json!({}));
    let pending = watch.as_object_mut().ok_or(NotOurs::Asked)?;
    let pending = pending.entry("pending").or_insert_with(|| json!([]));
    let pending = pending.as_array_mut().ok_or(NotOurs::Asked)?;
    pending.extend(changes.iter().map(|(flag, _)| json!(flag)));
    state.set(WATCH, &watch)?;

    let mut noted = state.value(CHANGES)?.unwrap_or_else(|| json!([]));
    let list = noted.as_array_mut().ok_or(NotOurs::Asked)?;
    for (flag, on) in changes {
        list.push(json!(format!("{}{flag}", if *on { '+' } else { '-' })));
    }
    state.set(CHANGES, &noted)?;
    if changes.iter().any(|&(_, on)| !on) {
        state.set(REMOVED, &json!(true))?;
    }
    Ok(())
}

fn register_trigger(
    state: &mut UnitState,
    flag: &str,
    on: bool,
    set: Option<&str>,
    clear: Option<&str>,
) -> Result<(), NotOurs> {
    state.begin_writing()?;
    let row = format!("{}{flag}", if on { SET_TRIGGERS } else { CLEAR_TRIGGERS });
    let known = state.value(&row)?.unwrap_or_else(|| json!({}));
    let with = |key: &str, new: Option<&str>| -> Result<Vec<String>, NotOurs> {
        let mut list: Vec<String> = Vec::new();
        for name in names(&known, key)?.into_iter().chain(new) {
            if !list.iter().any(|listed| listed == name) {
                list.push(name.to_owned());
            }
        }
        Ok(list)
    };
    let actions = json!({
        "set_flag": with("set_flag", set)?,
        "clear_flag": with("clear_flag", clear)?,
    });
    state.set(&row, &actions)?;
    state.commit()
}

fn mark_invoked(state: &mut UnitState, ids: &[String]) -> Result<(), NotOurs> {
    if ids.is_empty() {
        return Ok(());
    }
    state.begin_writing()?;
    for id in ids {
        state.keep(&format!("{INVOKED}{id}"), Some(&json!(true)))?;
        if let Some(parts) = handler_id(id)? {
            state.keep(&format!("{INVOKED}{}", parts.stable()), Some(&json!(true)))?;
        }
    }
    state.commit()
}

// -- asking --------------------------------------------------------------------------------------

/// Whether a test of flags holds, whatever the phase.
fn holds(state: &UnitState, test: Test, flags: &[String]) -> Result<bool, NotOurs> {
    let wanted = matches!(test, Test::Any | Test::None);
    for flag in flags {
        if state.is_set(flag)? == wanted {
            return Ok(test == Test::Any || test == Test::NotAll);
        }
    }
    Ok(test == Test::All || test == Test::None)
}

/// Outside a dispatch every phase will do: somebody on the unit wants to know about the flags.
fn in_phase(state: &UnitState, wanted: &str) -> Result<bool, NotOurs> {
    match state.value(PHASE)? {
        None => Ok(true),
        Some(Value::String(phase)) => Ok(phase == wanted),
        Some(_) => Err(NotOurs::Asked),
    }
}

fn when(state: &UnitState, test: Test, flags: &[String]) -> Result<bool, NotOurs> {
    Ok(in_phase(state, "other")? && holds(state, test, flags)?)
}

fn hook(state: &UnitState, patterns: &[String]) -> Result<bool, NotOurs> {
    Ok(in_phase(state, "hooks")? && hooks::any_hook(patterns)?)
}

fn unset_flags(state: &UnitState, flags: &[String]) -> Result<Vec<String>, NotOurs> {
    let mut unset = BTreeSet::new();
    for flag in flags {
        if !state.is_set(flag)? {
            unset.insert(flag.clone());
        }
    }
    Ok(unset.into_iter().collect())
}

/// The parts of a handler's id; digits of other scripts are for Python to know.
fn handler_id(id: &str) -> Result<Option<HandlerId<'_>>, NotOurs> {
    let parts = HandlerId::parse(id);
    if parts.is_none() && !id.is_ascii() {
        return Err(NotOurs::Asked);
    }
    Ok(parts)
}

fn done_before(state: &UnitState, id: &str) -> Result<bool, NotOurs> {
    let done = |mark: &str| -> Result<bool, NotOurs> {
        Ok(state.value(&format!("{INVOKED}{mark}"))?.is_some_and(|value| is_true(&value)))
    };
    if done(id)? {
        return Ok(true);
    }
    let Some(parts) = handler_id(id)? else { return Ok(false) };
    if done(&parts.stable())? || done(&format!("{}:{}:{}", parts.path, parts.line, parts.name))? {
        return Ok(true);
    }
    let marks = state.values(INVOKED)?;
    if marks.iter().any(|(mark, _)| !mark.is_ascii()) {
        return Err(NotOurs::Asked);
    }
    Ok(marks.iter().any(|(mark, value)| {
        is_true(value) && without_line(mark) == Some((parts.path, parts.name))
    }))
}

/// What Python takes for true.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(items) => !items.is_empty(),
    }
}

// -- handlers of shell scripts -------------------------------------------------------------------

/// The names of the handlers that match, with commas between them.
fn matching(state: &UnitState, specs: &[String]) -> Result<String, NotOurs> {
    let handlers: Vec<Handler> = specs
        .iter()
        .map(|spec| Handler::parse(spec).ok_or(NotOurs::Asked))
        .collect::<Result<_, _>>()?;
    let mut names = Vec::new();
    for handler in &handlers {
        if matches(state, handler)? {
            names.push(handler.name.as_str());
        }
    }
    Ok(names.join(","))
}

fn matches(state: &UnitState, handler: &Handler) -> Result<bool, NotOurs> {
    let watched: Vec<&String> = handler.watched().collect();
    if !watched.is_empty() && !may_match(state, &watched)? {
        return Ok(false);
    }
    for condition in &handler.conditions {
        let holds = match condition {
            Condition::Flags(test, flags) => when(state, *test, flags)?,
            Condition::Hook(patterns) => hook(state, patterns)?,
            Condition::OnlyOnce => !done_before(state, &handler.id)?,
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether this is iteration 0, or one of the flags changed in the one before.
fn may_match(state: &UnitState, flags: &[&String]) -> Result<bool, NotOurs> {
    let Some(watch) = state.value(WATCH)? else { return Ok(true) };
    let iteration = watch.get("iteration").and_then(Value::as_u64).ok_or(NotOurs::Asked)?;
    let changes = watch.get("changes").and_then(Value::as_array).ok_or(NotOurs::Asked)?;
    Ok(iteration == 0
        || changes
            .iter()
            .filter_map(Value::as_str)
            .any(|change| flags.iter().any(|flag| *flag == change)))
}

// -- printing ------------------------------------------------------------------------------------

fn print_list(format: Format, items: &[String]) -> Result<u8, NotOurs> {
    match format {
        Format::Raw => print(&items.join("\n")),
        Format::Json => {
            let items: Vec<String> = items.iter().map(|item| json!(item).to_string()).collect();
            print(&format!("[{}]", items.join(", ")))
        }
    }
}

fn print_text(format: Format, text: &str) -> Result<u8, NotOurs> {
    match format {
        Format::Raw => print(text),
        Format::Json => print(&json!(text).to_string()),
    }
}

fn print(text: &str) -> Result<u8, NotOurs> {
    if !text.is_ascii() {
        return Err(NotOurs::Asked); // Python knows the encoding of the terminal
    }
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(0),
        // The reader has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        Err(error) => {
            // Nothing more can be done if nobody reads this either.
            let _ = writeln!(io::stderr(), "charms.reactive: cannot print the answer: {error}");
            Ok(2)
        }
    }
}
