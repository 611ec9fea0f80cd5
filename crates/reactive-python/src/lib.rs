//! `charms_reactive._engine._native`: the engine as a Python class. Nothing but translation.
//!
//! The interface, with its documentation, is `python/charms_reactive/_engine/_native.pyi`.

#![deny(unsafe_code)]
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A panic would end a hook.

mod convert;
mod engine;
mod errors;

use pyo3::prelude::*;

/// The engine of charms.reactive, compiled.
#[pymodule]
mod _native {
    use pyo3::prelude::*;
    use reactive_core::{Kind, Phase};

    use crate::convert;

    #[pymodule_export]
    use crate::engine::Engine;

    #[pymodule_export]
    #[allow(non_upper_case_globals)] // A name that Python gives a meaning to.
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    const ALL: u8 = Kind::All as u8;
    #[pymodule_export]
    const ANY: u8 = Kind::Any as u8;
    #[pymodule_export]
    const NONE: u8 = Kind::None as u8;
    #[pymodule_export]
    const NOT_ALL: u8 = Kind::NotAll as u8;

    #[pymodule_export]
    const HOOKS: u8 = Phase::Hooks as u8;
    #[pymodule_export]
    const OTHER: u8 = Phase::Other as u8;
    #[pymodule_export]
    const RESTRICTED: u8 = Phase::Restricted as u8;

    #[pymodule_export]
    const SET: u8 = convert::SET;
    #[pymodule_export]
    const CLEAR: u8 = convert::CLEAR;
    #[pymodule_export]
    const CALL: u8 = convert::CALL;

    #[pymodule_export]
    const BEGIN: u8 = convert::BEGIN;
    #[pymodule_export]
    const TEST: u8 = convert::TEST;
    #[pymodule_export]
    const QUEUED: u8 = convert::QUEUED;
    #[pymodule_export]
    const INVOKE: u8 = convert::INVOKE;
    #[pymodule_export]
    const DONE: u8 = convert::DONE;
    #[pymodule_export]
    const LIMIT: u8 = convert::LIMIT;

    #[pymodule_export]
    const MAX_ITERATIONS: usize = reactive_core::MAX_ITERATIONS;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // PyO3 makes the list; the interface has none, and every name here is public.
        module.delattr("__all__")
    }
}
