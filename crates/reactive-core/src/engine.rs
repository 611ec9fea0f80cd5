//! The engine as its driver sees it.

use crate::conditions::Kind;
use crate::dispatch::{Dispatch, Step};
use crate::error::Error;
use crate::ids::{CallbackId, FlagId, HandlerId};
use crate::phases::{Phase, Phases};
use crate::triggers::{Edge, Effect, Triggers};
use crate::world::World;

/// Flags, conditions, triggers and the dispatch of one unit in one hook.
///
/// Flags go in by name and come out as ids, which [`Engine::name`] turns back into names.
#[derive(Clone, Debug, Default)]
pub struct Engine {
    world: World,
    triggers: Triggers,
    dispatch: Dispatch,
}

impl Engine {
    /// An engine without flags, triggers or handlers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// # Flags
impl Engine {
    /// The name of a flag; `None` if the id is another engine's.
    #[must_use]
    pub fn name(&self, flag: FlagId) -> Option<&str> {
        self.world.flags.name(flag)
    }

    /// Whether the flag is set. Unknown flags are not set, and asking does not intern them.
    #[must_use]
    pub fn is_set(&self, flag: &str) -> bool {
        let flags = &self.world.flags;
        flags.lookup(flag).is_some_and(|flag| flags.is_set(flag))
    }

    /// Whether every one of the flags is set; true for none.
    pub fn all_set<'a>(&self, flags: impl IntoIterator<Item = &'a str>) -> bool {
        flags.into_iter().all(|flag| self.is_set(flag))
    }

    /// Whether at least one of the flags is set; false for none.
    pub fn any_set<'a>(&self, flags: impl IntoIterator<Item = &'a str>) -> bool {
        flags.into_iter().any(|flag| self.is_set(flag))
    }

    /// All flags that are set, sorted by name.
    #[must_use]
    pub fn flags(&self) -> Vec<FlagId> {
        let flags = &self.world.flags;
        let mut set: Vec<FlagId> = flags.iter().collect();
        flags.sort(&mut set);
        set
    }

    /// How many flags are set.
    #[must_use]
    pub fn flag_count(&self) -> usize {
        self.world.flags.count()
    }

    /// Makes exactly these flags the ones that are set, and says what that changed: first the
    /// flags that were cleared, then those that were set, each group sorted by name.
    ///
    /// For changes that were made elsewhere. They count as changes of the running dispatch, but
    /// fire no trigger.
    ///
    /// ```
    /// # use reactive_core::Engine;
    /// let mut engine = Engine::new();
    /// engine.load(["b", "c"]);
    /// let changes = engine.load(["a", "c"]);
    /// let named: Vec<_> = changes.iter().map(|&(flag, on)| (engine.name(flag), on)).collect();
    /// assert_eq!(named, [(Some("b"), false), (Some("a"), true)]);
    /// ```
    pub fn load<'a>(&mut self, flags: impl IntoIterator<Item = &'a str>) -> Vec<(FlagId, bool)> {
        let wanted = self.intern_all(flags);
        self.world.load(wanted)
    }

    /// Sets (`on`) or clears a flag and everything that triggers make of it.
    ///
    /// Actions run depth first: the set actions of a trigger in order of registration, then its
    /// clear actions, then its callbacks, each nested change running its own triggers before the
    /// next action. What a trigger does is fixed when its change begins.
    ///
    /// Returns `None` if the flag was so already, otherwise the effects that follow from the
    /// change, not counting the change itself, in order. A list that ends with [`Effect::Call`]
    /// is unfinished: run that callback and go on with [`Engine::resume`].
    ///
    /// ```
    /// # use reactive_core::{Effect, Engine};
    /// let mut engine = Engine::new();
    /// engine.add_trigger("db.ready", true, Some("app.dirty"), None, None);
    ///
    /// let effects = engine.change("db.ready", true)?.unwrap_or_default();
    /// assert!(matches!(effects[..], [Effect::Set(flag)] if engine.name(flag) == Some("app.dirty")));
    /// assert_eq!(engine.change("db.ready", true)?, None);
    /// # Ok::<(), reactive_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::TriggerCycle`]: the chain, or a callback on the way, came back to a change that is
    /// still being made. Nothing of what this call did remains, and this change is over.
    pub fn change(&mut self, flag: &str, on: bool) -> Result<Option<Vec<Effect>>, Error> {
        // Clearing a flag that nobody ever named needs no name for it.
        let known =
            if on { Some(self.world.flags.intern(flag)) } else { self.world.flags.lookup(flag) };
        match known {
            Some(flag) if self.world.flags.is_set(flag) != on => {
                self.triggers.change(&mut self.world, flag, on).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Goes on after an [`Effect::Call`]; the same result as [`Engine::change`], no effects when
    /// finished.
    ///
    /// # Errors
    ///
    /// [`Error::NoChangeWaiting`]: no change is waiting for a callback.
    /// [`Error::TriggerCycle`]: as in [`Engine::change`].
    pub fn resume(&mut self) -> Result<Vec<Effect>, Error> {
        self.triggers.resume(&mut self.world)
    }

    /// How many changes wait for a callback, each in a callback of the one before it.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.triggers.waiting()
    }

    /// Gives up the innermost change that waits for a callback, because that callback failed.
    pub fn unwind(&mut self) {
        self.triggers.unwind();
    }

    /// Counts the flag as changed in the running iteration without changing it.
    pub fn touch(&mut self, flag: &str) {
        let flag = self.world.flags.intern(flag);
        self.world.flags.pending.add(flag);
    }
}

/// # Triggers
impl Engine {
    /// Registers actions for the edge off->on (`on`) or on->off of a flag.
    ///
    /// The same action twice for one edge is one action.
    pub fn add_trigger(
        &mut self,
        flag: &str,
        on: bool,
        set: Option<&str>,
        clear: Option<&str>,
        callback: Option<CallbackId>,
    ) {
        let flags = &mut self.world.flags;
        let flag = flags.intern(flag);
        let set = set.map(|flag| flags.intern(flag));
        let clear = clear.map(|flag| flags.intern(flag));
        self.triggers.add(flag, on, set, clear, callback);
    }

    /// Every edge that sets or clears something, in the order in which the edges were first named.
    pub fn triggers(&self) -> impl Iterator<Item = Edge<'_>> {
        self.triggers.iter()
    }

    /// The trigger of one edge; `None` if that was never named.
    #[must_use]
    pub fn trigger(&self, flag: &str, on: bool) -> Option<Edge<'_>> {
        self.triggers.get(self.world.flags.lookup(flag)?, on)
    }

    /// Forgets all triggers.
    pub fn clear_triggers(&mut self) {
        self.triggers.clear();
    }
}

/// # Handlers
impl Engine {
    /// Adds a handler that matches always and everywhere.
    pub fn add_handler(&mut self) -> HandlerId {
        self.world.handlers.add()
    }

    /// How many handlers there are.
    #[must_use]
    pub fn handler_count(&self) -> usize {
        self.world.handlers.len()
    }

    /// Forgets all handlers; a running dispatch has nothing more to invoke.
    pub fn clear_handlers(&mut self) {
        self.world.handlers.clear();
        self.dispatch.forget_handlers();
    }

    /// Requires a condition over these flags.
    ///
    /// It confines the handler to [`Phase::Other`] and watches its flags (see [`Engine::watch`]).
    ///
    /// ```
    /// # use reactive_core::{Engine, Kind};
    /// let mut engine = Engine::new();
    /// let handler = engine.add_handler();
    /// engine.add_condition(handler, Kind::Any, ["a", "b"])?;
    /// engine.add_condition(handler, Kind::None, ["c"])?;
    /// assert!(!engine.is_ready(handler)?);
    /// engine.change("b", true)?;
    /// assert!(engine.is_ready(handler)?);
    /// engine.change("c", true)?;
    /// assert!(!engine.is_ready(handler)?);
    /// # Ok::<(), reactive_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchHandler`].
    pub fn add_condition<'a>(
        &mut self,
        handler: HandlerId,
        kind: Kind,
        flags: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let handler = self.world.handlers.known(handler)?;
        let over = self.intern_all(flags);
        let World { flags, handlers } = &mut self.world;
        handlers.add_condition(handler, kind, &over, flags);
        Ok(())
    }

    /// After iteration 0, lets the handler match only if one of its watched flags changed.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchHandler`].
    pub fn watch<'a>(
        &mut self,
        handler: HandlerId,
        flags: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Error> {
        let handler = self.world.handlers.known(handler)?;
        let flags = self.intern_all(flags);
        self.world.handlers.watch(handler, &flags);
        Ok(())
    }

    /// Lets the handler hear, once each time, that the flag becomes set (`on`) or cleared.
    ///
    /// An edge is due while the flag is so and the handler has not heard of it since it became so.
    /// A handler with edges matches only while one of them is due. Being handed out to be invoked
    /// is hearing of all that are due then; a flag that changes back makes its edges unheard. It
    /// confines the handler to [`Phase::Other`] and watches the flag.
    ///
    /// ```
    /// # use reactive_core::Engine;
    /// let mut engine = Engine::new();
    /// let handler = engine.add_handler();
    /// engine.add_edge(handler, "a", true)?;
    /// engine.change("a", true)?;
    /// assert!(engine.is_ready(handler)?);
    /// engine.hear(handler, "a", true)?;
    /// assert!(!engine.is_ready(handler)?);
    /// engine.change("a", false)?;
    /// engine.change("a", true)?;
    /// assert!(engine.is_ready(handler)?);
    /// # Ok::<(), reactive_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchHandler`].
    pub fn add_edge(&mut self, handler: HandlerId, flag: &str, on: bool) -> Result<(), Error> {
        let handler = self.world.handlers.known(handler)?;
        let flag = self.world.flags.intern(flag);
        let World { flags, handlers } = &mut self.world;
        handlers.add_edge(handler, flag, on, flags);
        Ok(())
    }

    /// Notes that the handler has heard of an edge; of one that it does not have or is not so,
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchHandler`].
    pub fn hear(&mut self, handler: HandlerId, flag: &str, on: bool) -> Result<(), Error> {
        let handler = self.world.handlers.known(handler)?;
        let World { flags, handlers } = &mut self.world;
        if let Some(flag) = flags.lookup(flag) {
            handlers.hear(handler, flag, on, flags);
        }
        Ok(())
    }

    /// The edges of the handler that are so and that it has heard of, in the order in which they
    /// were added.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchHandler`].
    pub fn heard(&self, handler: HandlerId) -> Result<Vec<(FlagId, bool)>, Error> {
        let handler = self.world.handlers.known(handler)?;
        Ok(self.world.handlers.heard(handler).collect())
    }

    /// Makes all edges of all handlers unheard.
    pub fn forget_heard(&mut self) {
        self.world.handlers.forget_heard();
    }

    /// Lets the handler match only in these phases, in addition to what confined it before.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchHandler`].
    pub fn confine(&mut self, handler: HandlerId, phases: Phases) -> Result<(), Error> {
        let handler = self.world.handlers.known(handler)?;
        self.world.handlers.confine(handler, phases);
        Ok(())
    }

    /// Says that the handler has a predicate that the engine cannot see and must ask for.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchHandler`].
    pub fn set_opaque(&mut self, handler: HandlerId) -> Result<(), Error> {
        let handler = self.world.handlers.known(handler)?;
        self.world.handlers.set_opaque(handler);
        Ok(())
    }

    /// Whether all of the handler's conditions hold now, whatever the phase or iteration.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchHandler`].
    pub fn is_ready(&self, handler: HandlerId) -> Result<bool, Error> {
        let handler = self.world.handlers.known(handler)?;
        Ok(self.world.handlers.is_ready(handler))
    }

    /// Whether a flag that the handler watches changed in the previous iteration.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchHandler`].
    pub fn watched_changed(&self, handler: HandlerId) -> Result<bool, Error> {
        let handler = self.world.handlers.known(handler)?;
        Ok(self.world.handlers.watches_any(handler, &self.world.flags.changed))
    }

    /// The handlers that watch the flag, by id, each with [`Engine::is_ready`].
    #[must_use]
    pub fn dependents(&self, flag: &str) -> Vec<(HandlerId, bool)> {
        let World { flags, handlers } = &self.world;
        let watchers = flags.lookup(flag).map_or(&[][..], |flag| handlers.watchers(flag));
        let mut found: Vec<_> = watchers.iter().map(|&id| (id, handlers.is_ready(id))).collect();
        found.sort_unstable();
        found
    }
}

/// # Dispatch
impl Engine {
    /// Begins a dispatch; what changed before is forgotten.
    ///
    /// # Errors
    ///
    /// [`Error::DispatchRunning`].
    pub fn start(&mut self, restricted: bool) -> Result<(), Error> {
        self.dispatch.start(restricted, false, &mut self.world)
    }

    /// Begins a dispatch in which a handler that watches flags and has no edges matches in iteration
    /// 0 of [`Phase::Other`] as in later ones: only if one of its watched flags changed before.
    ///
    /// # Errors
    ///
    /// [`Error::DispatchRunning`].
    pub fn start_quietly(&mut self, restricted: bool) -> Result<(), Error> {
        self.dispatch.start(restricted, true, &mut self.world)
    }

    /// The next step of the dispatch.
    ///
    /// # Errors
    ///
    /// [`Error::NoDispatch`], or [`Error::Unanswered`] after a [`Step::Test`].
    pub fn step(&mut self) -> Result<Step, Error> {
        self.dispatch.step(&mut self.world)
    }

    /// Tells what the predicates of the handler of the last [`Step::Test`] said.
    ///
    /// # Errors
    ///
    /// [`Error::NotAsked`].
    pub fn answer(&mut self, matched: bool) -> Result<(), Error> {
        self.dispatch.answer(matched)
    }

    /// Ends the dispatch, wherever it is, because something failed. Harmless when none runs.
    pub fn abort(&mut self) {
        self.dispatch.abort();
    }

    /// The handlers still to be invoked in this iteration, in order.
    #[must_use]
    pub fn queue(&self) -> impl ExactSizeIterator<Item = HandlerId> + '_ {
        self.dispatch.queue()
    }

    /// The phase of the running dispatch; `None` when none runs.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.dispatch.phase()
    }

    /// The iteration of [`Phase::Other`], counted from 0.
    #[must_use]
    pub fn iteration(&self) -> usize {
        self.dispatch.iteration()
    }

    /// The flags that changed in the previous iteration, in order of their first change.
    #[must_use]
    pub fn changed(&self) -> &[FlagId] {
        self.world.flags.changed.as_slice()
    }

    /// The flags that changed in this iteration so far, in order of their first change.
    #[must_use]
    pub fn pending(&self) -> &[FlagId] {
        self.world.flags.pending.as_slice()
    }
}

impl Engine {
    fn intern_all<'a>(&mut self, flags: impl IntoIterator<Item = &'a str>) -> Vec<FlagId> {
        flags.into_iter().map(|flag| self.world.flags.intern(flag)).collect()
    }
}
