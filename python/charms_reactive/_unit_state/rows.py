"""The rows of the unit state that are the framework's: their keys, and how to wait for them.

The commands that shell handlers run import this without the framework: nothing but ``os``.

All of the framework's memory is in the table ``kv`` of ``.unit-state.db``, which is charmhelpers'. Values are
JSON. 1.5.x reads and writes the rows that are marked with a star, so that a unit can go back.

.. code-block:: text

    reactive.states.FLAG *                  a flag that is set, with its value
    reactive.invoked.ID *                   what was done, for only_once and was_invoked
    reactive.data_changed.ID *              the hash that data_changed has seen
    reactive.files_changed.FILE *           the hash that any_file_changed has seen
    reactive.files_seen.HANDLER:FILE        what each handler has seen of its files
    reactive.conversations.NAME.SCOPE *     a conversation of a legacy relation; below it, its local data
    reactive.conversations_joined.NAME      how often units have joined one that spans relations
    reactive.heard.set.FLAG, reactive.heard.clear.FLAG
                                            the handlers that have heard that a flag was set, or cleared; it
                                            goes when the flag changes back, whoever changes it
    reactive.edges.HANDLER                  the flags that were clear when a handler of theirs was new
    reactive.seen.HANDLER                   the digests of what a handler of when_changed has seen
    reactive.once.HANDLER                   the digests of the keys for which a handler has run once
    reactive.quiet                          the flags at the end of the last hook, for a quiet update-status
    reactive.endpoints.departed.ENDPOINT *  units that have left, with their last data
    reactive.data_changed.endpoint.ENDPOINT.RELATION.UNIT.KEY *
                                            the hash of each value of relation data that was seen
    reactive.endpoints.seen.ENDPOINT        a digest of those: they are read only where something changed
    reactive.automatic.config, reactive.automatic.leadership
                                            what the last hook has seen, for the flags ``changed``
    reactive.records.NAME.KEY, reactive.records.NAME
                                            a record; the last automatic key of its class
    reactive.records_hidden.NAME            the fields of a class of records that are for nobody to see
    reactive.shell.SCRIPT                   what a bash script has declared, until one of its files changes

Scratch, of which nothing is left after a hook:

.. code-block:: text

    reactive.dispatch.phase, reactive.dispatch.removed_state, reactive.dispatch.changes, reactive.state_watch
                                            what a child process needs to know, and what it tells
    reactive.flag_set_triggers.FLAG, reactive.flag_clear_triggers.FLAG
                                            triggers, for child processes
    reactive.flag_triggers.ID               triggers of older versions, which are deleted
    reactive.dispatch.undo, reactive.dispatch.undo.armed
                                            our rows as they were committed last, and for which hook
    reactive.dispatch.kept                  what others have written meanwhile, and are to find again
    reactive.dispatch.undone                of older versions: hooks that were undone
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Tuple

#: Below it, one row for each flag that is set, with the flag's value.
FLAGS = "reactive.states."

#: Below it, one row for each thing that was marked as done.
INVOKED = "reactive.invoked."

#: What follows the name of the unit state's file in that of the memory of its last hooks.
HISTORY_SUFFIX = "-history"

#: What each handler has seen of the files it waits for.
FILES_SEEN = "reactive.files_seen."

#: Which handlers have heard that a flag was set, or cleared, and is so still.
HEARD = "reactive.heard."
HEARD_SET = HEARD + "set."
HEARD_CLEAR = HEARD + "clear."

#: Below it, conversations of relations of the old kind, and what is kept with them.
CONVERSATIONS = "reactive.conversations."

#: What each script of bash handlers has declared.
DECLARED = "reactive.shell."

# While a dispatch waits for a child process, what that may need to know and what it leaves behind.
PHASE = "reactive.dispatch.phase"
REMOVED = "reactive.dispatch.removed_state"
CHANGES = "reactive.dispatch.changes"
WATCH = "reactive.state_watch"
SET_TRIGGERS = "reactive.flag_set_triggers."
CLEAR_TRIGGERS = "reactive.flag_clear_triggers."

#: Our rows as they were committed last, and the hook for which they are to be put back.
UNDO = "reactive.dispatch.undo"
ARMED = "reactive.dispatch.undo.armed"

#: The hooks that were undone while processes of theirs went on; a row of older versions.
UNDONE = "reactive.dispatch.undone"

#: What processes that are not of that hook have written meanwhile, and are to find again.
KEPT = "reactive.dispatch.kept"

#: The environment variable that tells a child process which hook it belongs to.
HOOK_VARIABLE = "CHARMS_REACTIVE_HOOK"

#: The environment variable that tells how long to wait for the file.
LOCK_VARIABLE = "CHARMS_REACTIVE_LOCK_TIMEOUT"
#: Set for what a hook has started with the unit state lent to it; not for what its handlers in Python start.
LENT_VARIABLE = "CHARMS_REACTIVE_LENT"

# A dispatch holds the file for as long as a handler in Python runs, which may be installing things.
# What a hook has started and left running waits for it; somebody on the unit wants an answer.
_LOCK_TIMEOUT = 60.0
_LOCK_TIMEOUT_IN_HOOK = 3600.0
_LONGEST_LOCK_TIMEOUT = 86400.0


def storable(key: str) -> str:
    """A key that SQLite takes: names of files may not be UTF-8."""
    return key if key.isascii() else key.encode("utf-8", "backslashreplace").decode("utf-8")


def range_below(prefix: str) -> Tuple[str, str]:
    """The first key below a prefix and the first one after them all; a range on the primary key."""
    return prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)


def lock_timeout(in_hook: bool) -> float:
    """Seconds that a process waits for the file.

    ``CHARMS_REACTIVE_LOCK_TIMEOUT``; by default an hour for what a hook has started, else 60.
    """
    default = _LOCK_TIMEOUT_IN_HOOK if in_hook else _LOCK_TIMEOUT
    given = os.environ.get(LOCK_VARIABLE)
    return default if not given or odd_lock_timeout() else float(given)


def odd_lock_timeout() -> str:
    """What is wrong with the value of ``CHARMS_REACTIVE_LOCK_TIMEOUT``, in words; empty for nothing."""
    given = os.environ.get(LOCK_VARIABLE)
    if not given:
        return ""
    try:
        if 0 <= float(given) <= _LONGEST_LOCK_TIMEOUT:
            return ""
    except ValueError:
        pass
    return "%s must be a number of seconds from 0 to %g, not %r; it is not heeded" % (
        LOCK_VARIABLE,
        _LONGEST_LOCK_TIMEOUT,
        given,
    )
