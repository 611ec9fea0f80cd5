//! Python objects to what the engine takes, and back.

use pyo3::exceptions::{PyIndexError, PyOverflowError, PyUnicodeEncodeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use reactive_core::{Effect, Engine, FlagId, HandlerId, Kind, Phases, Step};

use crate::errors::flag_name_error;

pub(crate) const SET: u8 = 0;
pub(crate) const CLEAR: u8 = 1;
pub(crate) const CALL: u8 = 2;

pub(crate) const BEGIN: u8 = 0;
pub(crate) const TEST: u8 = 1;
pub(crate) const QUEUED: u8 = 2;
pub(crate) const INVOKE: u8 = 3;
pub(crate) const DONE: u8 = 4;
pub(crate) const LIMIT: u8 = 5;

/// An effect as Python has it: what was done, the flag, the callback.
pub(crate) type PyEffect = (u8, Py<PyString>, u64);

/// The text of a flag, borrowed from its `str`.
pub(crate) fn text<'a>(flag: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    let Ok(string) = flag.cast::<PyString>() else {
        return Err(flag_name_error(flag, None));
    };
    string.to_str().map_err(|error| {
        let py = flag.py();
        if !error.is_instance_of::<PyUnicodeEncodeError>(py) {
            return error;
        }
        match error.value(py).getattr("reason") {
            Ok(reason) => {
                flag_name_error(flag, Some(format!("it cannot be encoded as UTF-8 ({reason})")))
            }
            Err(error) => error,
        }
    })
}

/// The items of any iterable, which may run code of the user's: never call it with the engine
/// locked.
pub(crate) fn items<'py>(flags: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    if let Ok(list) = flags.cast_exact::<PyList>() {
        Ok(list.iter().collect())
    } else if let Ok(tuple) = flags.cast_exact::<PyTuple>() {
        Ok(tuple.iter().collect())
    } else {
        flags.try_iter()?.collect()
    }
}

/// The texts of several flags, in order.
pub(crate) fn texts<'a>(flags: &'a [Bound<'_, PyAny>]) -> PyResult<Vec<&'a str>> {
    flags.iter().map(text).collect()
}

/// The id of a handler. A number that no handler can have is not in range, like any other that
/// none has.
pub(crate) fn handler(number: &Bound<'_, PyAny>) -> PyResult<HandlerId> {
    number.extract().map(HandlerId).map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(number.py()) {
            match number.repr() {
                Ok(repr) => PyIndexError::new_err(format!("no such handler: {repr}")),
                Err(error) => error,
            }
        } else {
            error
        }
    })
}

/// The kind of a condition.
pub(crate) fn kind(number: &Bound<'_, PyAny>) -> PyResult<Kind> {
    let wanted: Option<u8> = number.extract().ok();
    let mut kinds = [Kind::All, Kind::Any, Kind::None, Kind::NotAll].into_iter();
    if let Some(kind) = kinds.find(|&kind| Some(kind as u8) == wanted) {
        return Ok(kind);
    }
    let repr = number.repr()?;
    Err(PyValueError::new_err(format!("no such kind of condition: {repr}")))
}

/// Phases from the sum of their numbers; other bits mean nothing.
pub(crate) fn phases(bits: i64) -> Phases {
    Phases::from_bits(u8::try_from(bits & 0xff).unwrap_or_default())
}

/// A step as a pair of numbers.
pub(crate) fn step(step: Step) -> (u8, usize) {
    match step {
        Step::Begin(phase) => (BEGIN, phase as usize),
        Step::Test(handler) => (TEST, handler.0 as usize),
        Step::Queued(length) => (QUEUED, length),
        Step::Invoke(handler) => (INVOKE, handler.0 as usize),
        Step::Done => (DONE, 0),
        Step::Limit(length) => (LIMIT, length),
    }
}

/// The names of flags as Python strings, each made once and kept.
#[derive(Default)]
pub(crate) struct Names(Vec<Option<Py<PyString>>>);

impl Names {
    pub(crate) fn get(&mut self, py: Python<'_>, engine: &Engine, flag: FlagId) -> Py<PyString> {
        let at = flag.index();
        if at >= self.0.len() {
            self.0.resize_with(at + 1, || None);
        }
        self.0[at]
            .get_or_insert_with(|| {
                PyString::new(py, engine.name(flag).unwrap_or_default()).unbind()
            })
            .clone_ref(py)
    }

    pub(crate) fn list(
        &mut self,
        py: Python<'_>,
        engine: &Engine,
        flags: &[FlagId],
    ) -> Vec<Py<PyString>> {
        flags.iter().map(|&flag| self.get(py, engine, flag)).collect()
    }

    pub(crate) fn effects(
        &mut self,
        py: Python<'_>,
        engine: &Engine,
        effects: &[Effect],
    ) -> Vec<PyEffect> {
        let convert = |effect: &Effect| match *effect {
            Effect::Set(flag) => (SET, self.get(py, engine, flag), 0),
            Effect::Clear(flag) => (CLEAR, self.get(py, engine, flag), 0),
            Effect::Call(callback) => (CALL, intern!(py, "").clone().unbind(), callback.0),
        };
        effects.iter().map(convert).collect()
    }
}
