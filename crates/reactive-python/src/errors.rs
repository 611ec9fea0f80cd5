//! The engine's errors as exceptions of `charms_reactive.errors`.

use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use reactive_core::Error;

static ENGINE_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static FLAG_NAME_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static TRIGGER_CYCLE_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The exception for what the engine refused.
pub(crate) fn engine_error(py: Python<'_>, error: Error) -> PyErr {
    match error {
        Error::NoSuchHandler(_) => PyIndexError::new_err(error.to_string()),
        Error::TriggerCycle(steps) => {
            raise(py, &TRIGGER_CYCLE_ERROR, "TriggerCycleError", (steps,))
        }
        other => raise(py, &ENGINE_ERROR, "EngineError", (other.to_string(),)),
    }
}

/// The exception for something that is not a flag: no `str`, or, with a reason, one that cannot be
/// encoded.
pub(crate) fn flag_name_error(flag: &Bound<'_, PyAny>, reason: Option<String>) -> PyErr {
    match reason {
        None => raise(flag.py(), &FLAG_NAME_ERROR, "FlagNameError", (flag,)),
        Some(reason) => raise(flag.py(), &FLAG_NAME_ERROR, "FlagNameError", (flag, reason)),
    }
}

/// An instance of an exception class, or whatever went wrong in making one.
fn raise<'py, A>(py: Python<'py>, class: &PyOnceLock<Py<PyType>>, name: &str, arguments: A) -> PyErr
where
    A: pyo3::call::PyCallArgs<'py>,
{
    class
        .import(py, "charms_reactive.errors", name)
        .and_then(|class| class.call1(arguments))
        .map_or_else(|error| error, PyErr::from_value)
}
