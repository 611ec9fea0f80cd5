//! The class `Engine`.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyString;
use reactive_core::{CallbackId, Error};

use crate::convert::{self, items, text, texts, Names, PyEffect};
use crate::errors::engine_error;

/// Flags, conditions, triggers and the dispatch of one unit in one hook.
///
/// While the lock is held no code of Python's runs: whatever may run some (iterating, raising,
/// making a container, which may collect garbage) is done before or after. So a method never waits
/// for another one that called it.
#[pyclass(frozen, module = "charms_reactive._engine._native")]
pub(crate) struct Engine(Mutex<State>);

#[derive(Default)]
struct State {
    engine: reactive_core::Engine,
    names: Names,
}

impl Engine {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same for work that the engine may refuse.
    fn attempt<T>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> PyResult<T> {
        self.with(work).map_err(|error| engine_error(py, error))
    }
}

#[pymethods]
impl Engine {
    #[new]
    fn new() -> Self {
        Self(Mutex::default())
    }

    fn is_set(&self, flag: &Bound<'_, PyAny>) -> PyResult<bool> {
        let flag = text(flag)?;
        Ok(self.with(|state| state.engine.is_set(flag)))
    }

    fn all_set(&self, flags: &Bound<'_, PyAny>) -> PyResult<bool> {
        let items = items(flags)?;
        let flags = texts(&items)?;
        Ok(self.with(|state| state.engine.all_set(flags)))
    }

    fn any_set(&self, flags: &Bound<'_, PyAny>) -> PyResult<bool> {
        let items = items(flags)?;
        let flags = texts(&items)?;
        Ok(self.with(|state| state.engine.any_set(flags)))
    }

    fn flags(&self, py: Python<'_>) -> Vec<Py<PyString>> {
        self.with(|State { engine, names }| names.list(py, engine, &engine.flags()))
    }

    fn flag_count(&self) -> usize {
        self.with(|state| state.engine.flag_count())
    }

    fn load(&self, flags: &Bound<'_, PyAny>) -> PyResult<Vec<(Py<PyString>, bool)>> {
        let items = items(flags)?;
        let texts = texts(&items)?;
        Ok(self.with(|State { engine, names }| {
            let changes = engine.load(texts);
            changes.iter().map(|&(flag, on)| (names.get(flags.py(), engine, flag), on)).collect()
        }))
    }

    fn change(&self, flag: &Bound<'_, PyAny>, on: bool) -> PyResult<Option<Vec<PyEffect>>> {
        let py = flag.py();
        let flag = text(flag)?;
        self.attempt(py, |State { engine, names }| {
            let effects = engine.change(flag, on)?;
            Ok(effects.map(|effects| names.effects(py, engine, &effects)))
        })
    }

    fn resume(&self, py: Python<'_>) -> PyResult<Vec<PyEffect>> {
        self.attempt(py, |State { engine, names }| {
            let effects = engine.resume()?;
            Ok(names.effects(py, engine, &effects))
        })
    }

    fn waiting(&self) -> usize {
        self.with(|state| state.engine.waiting())
    }

    fn unwind(&self) {
        self.with(|state| state.engine.unwind());
    }

    fn touch(&self, flag: &Bound<'_, PyAny>) -> PyResult<()> {
        let flag = text(flag)?;
        self.with(|state| state.engine.touch(flag));
        Ok(())
    }

    #[pyo3(signature = (flag, on, set_flag=None, clear_flag=None, callback=None))]
    fn add_trigger(
        &self,
        flag: &Bound<'_, PyAny>,
        on: bool,
        set_flag: Option<&Bound<'_, PyAny>>,
        clear_flag: Option<&Bound<'_, PyAny>>,
        callback: Option<u64>,
    ) -> PyResult<()> {
        let flag = text(flag)?;
        let set = set_flag.map(text).transpose()?;
        let clear = clear_flag.map(text).transpose()?;
        let callback = callback.map(CallbackId);
        self.with(|state| state.engine.add_trigger(flag, on, set, clear, callback));
        Ok(())
    }

    #[allow(clippy::type_complexity)] // The type is Python's, and is named nowhere else.
    fn triggers(
        &self,
        py: Python<'_>,
    ) -> Vec<(Py<PyString>, bool, Vec<Py<PyString>>, Vec<Py<PyString>>)> {
        self.with(|State { engine, names }| {
            let convert = |edge: reactive_core::Edge<'_>| {
                (
                    names.get(py, engine, edge.flag),
                    edge.on,
                    names.list(py, engine, edge.sets),
                    names.list(py, engine, edge.clears),
                )
            };
            engine.triggers().map(convert).collect()
        })
    }

    #[allow(clippy::type_complexity)] // As above.
    fn trigger(
        &self,
        flag: &Bound<'_, PyAny>,
        on: bool,
    ) -> PyResult<(Vec<Py<PyString>>, Vec<Py<PyString>>, Vec<u64>)> {
        let py = flag.py();
        let flag = text(flag)?;
        Ok(self.with(|State { engine, names }| {
            let Some(edge) = engine.trigger(flag, on) else {
                return Default::default();
            };
            (
                names.list(py, engine, edge.sets),
                names.list(py, engine, edge.clears),
                edge.callbacks.iter().map(|callback| callback.0).collect(),
            )
        }))
    }

    fn clear_triggers(&self) {
        self.with(|state| state.engine.clear_triggers());
    }

    fn add_handler(&self) -> u32 {
        self.with(|state| state.engine.add_handler().0)
    }

    fn handler_count(&self) -> usize {
        self.with(|state| state.engine.handler_count())
    }

    fn clear_handlers(&self) {
        self.with(|state| state.engine.clear_handlers());
    }

    fn add_condition(
        &self,
        handler: &Bound<'_, PyAny>,
        kind: &Bound<'_, PyAny>,
        flags: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = flags.py();
        let handler = self.handler(handler)?;
        let kind = convert::kind(kind)?;
        let items = items(flags)?;
        let flags = texts(&items)?;
        self.attempt(py, |state| state.engine.add_condition(handler, kind, flags))
    }

    fn watch(&self, handler: &Bound<'_, PyAny>, flags: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = flags.py();
        let handler = self.handler(handler)?;
        let items = items(flags)?;
        let flags = texts(&items)?;
        self.attempt(py, |state| state.engine.watch(handler, flags))
    }

    fn add_edge(
        &self,
        handler: &Bound<'_, PyAny>,
        flag: &Bound<'_, PyAny>,
        on: bool,
    ) -> PyResult<()> {
        let id = self.handler(handler)?;
        let flag_text = text(flag)?;
        self.attempt(flag.py(), |state| state.engine.add_edge(id, flag_text, on))
    }

    fn hear(&self, handler: &Bound<'_, PyAny>, flag: &Bound<'_, PyAny>, on: bool) -> PyResult<()> {
        let id = self.handler(handler)?;
        let flag_text = text(flag)?;
        self.attempt(flag.py(), |state| state.engine.hear(id, flag_text, on))
    }

    fn heard(&self, handler: &Bound<'_, PyAny>) -> PyResult<Vec<(Py<PyString>, bool)>> {
        let py = handler.py();
        let id = convert::handler(handler)?;
        self.attempt(py, |State { engine, names }| {
            let heard = engine.heard(id)?;
            Ok(heard.into_iter().map(|(flag, on)| (names.get(py, engine, flag), on)).collect())
        })
    }

    fn forget_heard(&self) {
        self.with(|state| state.engine.forget_heard());
    }

    fn confine(&self, handler: &Bound<'_, PyAny>, phases: i64) -> PyResult<()> {
        let id = convert::handler(handler)?;
        let phases = convert::phases(phases);
        self.attempt(handler.py(), |state| state.engine.confine(id, phases))
    }

    fn set_opaque(&self, handler: &Bound<'_, PyAny>) -> PyResult<()> {
        let id = convert::handler(handler)?;
        self.attempt(handler.py(), |state| state.engine.set_opaque(id))
    }

    fn is_ready(&self, handler: &Bound<'_, PyAny>) -> PyResult<bool> {
        let id = convert::handler(handler)?;
        self.attempt(handler.py(), |state| state.engine.is_ready(id))
    }

    fn watched_changed(&self, handler: &Bound<'_, PyAny>) -> PyResult<bool> {
        let id = convert::handler(handler)?;
        self.attempt(handler.py(), |state| state.engine.watched_changed(id))
    }

    fn dependents(&self, flag: &Bound<'_, PyAny>) -> PyResult<Vec<(u32, bool)>> {
        let flag = text(flag)?;
        let found = self.with(|state| state.engine.dependents(flag));
        Ok(found.into_iter().map(|(handler, ready)| (handler.0, ready)).collect())
    }

    #[pyo3(signature = (restricted, quiet=false))]
    fn start(&self, py: Python<'_>, restricted: bool, quiet: bool) -> PyResult<()> {
        self.attempt(py, |state| {
            let engine = &mut state.engine;
            if quiet {
                engine.start_quietly(restricted)
            } else {
                engine.start(restricted)
            }
        })
    }

    fn next(&self, py: Python<'_>) -> PyResult<(u8, usize)> {
        self.attempt(py, |state| state.engine.step()).map(convert::step)
    }

    fn answer(&self, py: Python<'_>, matched: bool) -> PyResult<()> {
        self.attempt(py, |state| state.engine.answer(matched))
    }

    fn abort(&self) {
        self.with(|state| state.engine.abort());
    }

    fn queue(&self) -> Vec<u32> {
        self.with(|state| state.engine.queue().map(|handler| handler.0).collect())
    }

    fn phase(&self) -> u8 {
        self.with(|state| state.engine.phase().map_or(0, |phase| phase as u8))
    }

    fn iteration(&self) -> usize {
        self.with(|state| state.engine.iteration())
    }

    fn changed(&self, py: Python<'_>) -> Vec<Py<PyString>> {
        self.with(|State { engine, names }| names.list(py, engine, engine.changed()))
    }

    fn pending(&self, py: Python<'_>) -> Vec<Py<PyString>> {
        self.with(|State { engine, names }| names.list(py, engine, engine.pending()))
    }
}

impl Engine {
    /// The id of a handler that exists. For methods that take more arguments, so that a wrong
    /// handler is told of before those are looked at.
    fn handler(&self, number: &Bound<'_, PyAny>) -> PyResult<reactive_core::HandlerId> {
        let handler = convert::handler(number)?;
        self.attempt(number.py(), |state| state.engine.is_ready(handler)).map(|_| handler)
    }
}
