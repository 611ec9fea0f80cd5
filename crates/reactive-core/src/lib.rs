//! The engine of charms.reactive: flags, conditions, triggers and dispatch.
//!
//! The engine knows names, sets and order, and nothing else: no Juju, no files, no clock, no user
//! code. It never calls back. It hands out one [`Step`] at a time and is told what came of it, so
//! whatever drives it may change flags, add triggers or add handlers between any two calls.
//!
//! In order of importance it pursues: the results of the engine in Python, to the letter; a change
//! that costs what depends on its flag and not what exists; being read in one sitting.
//!
//! ```
//! use reactive_core::{Engine, Kind, Phase, Step};
//!
//! let mut engine = Engine::new();
//! let install = engine.add_handler();
//! engine.add_condition(install, Kind::None, ["app.installed"])?;
//! let serve = engine.add_handler();
//! engine.add_condition(serve, Kind::All, ["app.installed"])?;
//!
//! let mut invoked = Vec::new();
//! engine.start(false)?;
//! loop {
//!     match engine.step()? {
//!         Step::Invoke(handler) => {
//!             invoked.push(handler);
//!             engine.change("app.installed", true)?;
//!         }
//!         Step::Done | Step::Limit(_) => break,
//!         Step::Begin(_) | Step::Test(_) | Step::Queued(_) => {}
//!     }
//! }
//! assert_eq!(invoked, [install, serve]);
//! assert!(engine.is_set("app.installed"));
//! # Ok::<(), reactive_core::Error>(())
//! ```

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)] // A panic would end a hook.

mod bitset;
mod conditions;
mod dispatch;
mod engine;
mod error;
mod flags;
mod ids;
mod interner;
mod phases;
mod triggers;
mod world;

pub use conditions::Kind;
pub use dispatch::{Step, MAX_ITERATIONS};
pub use engine::Engine;
pub use error::Error;
pub use ids::{CallbackId, FlagId, HandlerId};
pub use phases::{Phase, Phases};
pub use triggers::{Edge, Effect};
