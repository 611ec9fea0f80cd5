//! The dispatch of one hook, one step at a time.

use std::collections::VecDeque;

use crate::error::Error;
use crate::ids::HandlerId;
use crate::phases::Phase;
use crate::world::World;

/// Iterations of phase `Other` after which a dispatch is stopped.
pub const MAX_ITERATIONS: usize = 100;

/// What the driver has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A phase, or one more iteration of it, begins.
    Begin(Phase),
    /// Ask the handler's predicates and tell what they said.
    Test(HandlerId),
    /// The queue of the iteration is fixed and has this length.
    Queued(usize),
    /// Invoke the handler.
    Invoke(HandlerId),
    /// Stop: nothing matches any more.
    Done,
    /// Stop: this many handlers still match after [`MAX_ITERATIONS`].
    Limit(usize),
}

/// A dispatch that runs, or none.
#[derive(Clone, Debug)]
pub(crate) struct Dispatch {
    stage: Stage,
    phase: Phase,
    iteration: usize,
    /// Iteration 0 of phase `Other` is like the later ones for handlers without edges.
    quiet: bool,
    queue: VecDeque<HandlerId>,
    /// Handlers still to be tested, the last one first, as far as they are known beforehand: in
    /// iterations > 0 those that the changed flags call for, in a retest those that were queued.
    candidates: Vec<HandlerId>,
    /// The revision of the handlers that `candidates` were found at; none: not found yet.
    seen: Option<u64>,
    /// The first handler that this iteration has not come to yet.
    first: usize,
    /// The handler whose test has no answer yet.
    asked: Option<HandlerId>,
    /// That handler was forgotten while it was asked; its number may be another one's by now.
    asked_is_gone: bool,
}

/// Where a dispatch stands between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Beginning,
    Testing,
    QueueFixed,
    Invoking,
    Retesting,
}

impl Default for Dispatch {
    fn default() -> Self {
        Self {
            stage: Stage::Idle,
            phase: Phase::Hooks,
            iteration: 0,
            quiet: false,
            queue: VecDeque::new(),
            candidates: Vec::new(),
            seen: None,
            first: 0,
            asked: None,
            asked_is_gone: false,
        }
    }
}

impl Dispatch {
    pub(crate) fn start(
        &mut self,
        restricted: bool,
        quiet: bool,
        world: &mut World,
    ) -> Result<(), Error> {
        if self.stage != Stage::Idle {
            return Err(Error::DispatchRunning);
        }
        self.quiet = quiet;
        self.phase = if restricted { Phase::Restricted } else { Phase::Hooks };
        self.iteration = 0;
        self.queue.clear();
        self.stage = Stage::Beginning;
        world.flags.changed.truncate(0);
        world.flags.pending.truncate(0);
        Ok(())
    }

    pub(crate) fn step(&mut self, world: &mut World) -> Result<Step, Error> {
        if self.stage == Stage::Idle {
            return Err(Error::NoDispatch);
        }
        if let Some(handler) = self.asked {
            return Err(Error::Unanswered(handler));
        }
        loop {
            match self.stage {
                Stage::Idle => return Err(Error::NoDispatch),
                Stage::Beginning => {
                    self.queue.clear();
                    self.first = 0;
                    self.seen = None;
                    self.stage = Stage::Testing;
                    return Ok(Step::Begin(self.phase));
                }
                Stage::Testing => {
                    if let Some(opaque) = self.test_candidates(world) {
                        return Ok(Step::Test(opaque));
                    }
                    let length = self.queue.len();
                    if self.iteration == MAX_ITERATIONS {
                        let step = if length > 0 { Step::Limit(length) } else { Step::Done };
                        return Ok(self.finish(step));
                    }
                    self.stage = Stage::QueueFixed;
                    return Ok(Step::Queued(length));
                }
                Stage::QueueFixed => {
                    if self.phase == Phase::Other && self.queue.is_empty() {
                        return Ok(self.finish(Step::Done));
                    }
                    world.flags.removed = false;
                    self.stage = Stage::Invoking;
                }
                Stage::Invoking if world.flags.removed => {
                    // The handler that has just returned cleared a flag: the rest of the queue
                    // must match anew.
                    self.candidates.clear();
                    self.candidates.extend(self.queue.drain(..).rev());
                    self.stage = Stage::Retesting;
                }
                Stage::Invoking => {
                    if let Some(handler) = self.queue.pop_front() {
                        world.handlers.hear_all(handler, &world.flags);
                        return Ok(Step::Invoke(handler));
                    }
                    world.flags.turn_over();
                    match self.phase {
                        Phase::Restricted => return Ok(self.finish(Step::Done)),
                        Phase::Hooks => self.phase = Phase::Other,
                        Phase::Other => self.iteration += 1,
                    }
                    self.stage = Stage::Beginning;
                }
                Stage::Retesting => {
                    if let Some(opaque) = self.test_candidates(world) {
                        return Ok(Step::Test(opaque));
                    }
                    world.flags.removed = false;
                    self.stage = Stage::Invoking;
                }
            }
        }
    }

    pub(crate) fn answer(&mut self, matched: bool) -> Result<(), Error> {
        let handler = self.asked.take().ok_or(Error::NotAsked)?;
        if matched && !self.asked_is_gone {
            self.queue.push_back(handler);
        }
        self.asked_is_gone = false;
        Ok(())
    }

    pub(crate) fn abort(&mut self) {
        self.stage = Stage::Idle;
        self.asked = None;
        self.asked_is_gone = false;
        self.queue.clear();
    }

    /// Forgets whatever is still to be tested or invoked, because its handlers are gone.
    pub(crate) fn forget_handlers(&mut self) {
        self.queue.clear();
        self.candidates.clear();
        self.asked_is_gone = self.asked.is_some();
    }

    pub(crate) fn queue(&self) -> impl ExactSizeIterator<Item = HandlerId> + '_ {
        self.queue.iter().copied()
    }

    pub(crate) fn phase(&self) -> Option<Phase> {
        (self.stage != Stage::Idle).then_some(self.phase)
    }

    pub(crate) fn iteration(&self) -> usize {
        self.iteration
    }

    fn finish(&mut self, step: Step) -> Step {
        self.stage = Stage::Idle;
        step
    }

    /// Moves candidates that match to the queue; stops at one that has to be asked about.
    fn test_candidates(&mut self, world: &World) -> Option<HandlerId> {
        while let Some(handler) = self.next_candidate(world) {
            if world.handlers.is_opaque(handler) {
                self.asked = Some(handler);
                return self.asked;
            }
            self.queue.push_back(handler);
        }
        None
    }

    /// The next handler that matches as far as the engine can see.
    fn next_candidate(&mut self, world: &World) -> Option<HandlerId> {
        let handlers = &world.handlers;
        if self.stage == Stage::Testing {
            let silent = self.quiet && self.phase == Phase::Other;
            if self.iteration == 0 && !silent {
                let handler = handlers.next_ready(self.phase, self.first)?;
                self.first = handler.index() + 1;
                return Some(handler);
            }
            if self.seen != Some(handlers.revision()) {
                // A predicate changed flags: handlers it has not come to yet may match now.
                self.seen = Some(handlers.revision());
                let changed = world.flags.changed.as_slice();
                let begins = self.iteration == 0;
                handlers.find_ready_watchers(changed, begins, self.first, &mut self.candidates);
            }
        }
        while let Some(handler) = self.candidates.pop() {
            self.first = handler.index() + 1;
            // Candidates that were found in this iteration match; queued ones may not any more.
            if self.stage == Stage::Testing || self.still_matches(handler, world) {
                return Some(handler);
            }
        }
        None
    }

    fn still_matches(&self, handler: HandlerId, world: &World) -> bool {
        let handlers = &world.handlers;
        let silent = self.quiet && !handlers.has_edges(handler);
        let settled = self.phase == Phase::Other && (self.iteration > 0 || silent);
        handlers.is_ready(handler)
            && handlers.may_match_in(handler, self.phase)
            && (!settled || handlers.is_called_for(handler, &world.flags.changed))
    }
}
