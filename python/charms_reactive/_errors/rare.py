"""The errors of what most hooks do not use: relation data, bash handlers, events, records and status.

They are public as names of :mod:`charms_reactive.errors`, which finds them here when they are asked for.
"""

from __future__ import annotations

import subprocess

from . import HookToolError, ReactiveError, StrictModeError, in_words, kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Sequence, Union

# Where tracebacks say that they are.
_PUBLIC = "charms_reactive.errors"


class CharmMetadataError(ReactiveError, ValueError):
    """The charm's ``metadata.yaml`` or ``config.yaml`` is not what it should be.

    Attributes:
        path: the file.
    """

    __module__ = _PUBLIC

    def __init__(self, path: str, reason: object) -> None:
        self.path = path
        super().__init__("%s: %s" % (path, reason))


class HandlerDeclarationError(ReactiveError):
    """A script of bash handlers does not say which handlers it has.

    Attributes:
        path: the file that is to blame, relative to the charm directory.
        line: the line in it, or ``None`` where it is not known.
    """

    __module__ = _PUBLIC

    def __init__(self, path: str, line: Optional[int], reason: object) -> None:
        self.path = path
        self.line = line
        where = path if line is None else "%s:%d" % (path, line)
        super().__init__("cannot tell the bash handlers of %s: %s" % (where, reason))


class HandlerUseError(ReactiveError, TypeError):
    """Something is registered as a handler that can never run."""

    __module__ = _PUBLIC


class ExternalHandlerError(ReactiveError, subprocess.CalledProcessError):
    """An external handler failed while it was being invoked.

    Attributes:
        returncode: exit status, negative for the signal that ended it.
        cmd: the command line.
        handler: the handler's id.
    """

    __module__ = _PUBLIC

    def __init__(self, handler: str, returncode: int, cmd: Sequence[Union[str, bytes]]) -> None:
        subprocess.CalledProcessError.__init__(self, returncode, list(cmd))
        self.handler = handler
        self.args = (str(self),)  # the command line may hold what only the child is to know

    def __str__(self) -> str:
        how = (
            "was ended by signal %d" % -self.returncode
            if self.returncode < 0
            else "failed with exit status %d" % self.returncode
        )
        return "external handler %s %s; its own output is above" % (self.handler, how)


class RelationDataError(ReactiveError, ValueError):
    """Relation data does not fit what it is to be, or is not ours to change.

    Attributes:
        relation: id of the relation, for example ``db:3``; ``None`` for data that is in no relation.
        unit: the unit or application whose data it is, or ``None``.
        field: the key in question, or ``None`` where it is about the whole.
    """

    __module__ = _PUBLIC

    def __init__(
        self, relation: Optional[str], unit: Optional[str], field: Optional[str], reason: object
    ) -> None:
        self.relation = relation
        self.unit = unit
        self.field = field
        facts = (("relation", relation), ("data of", unit), ("field", field))
        where = ", ".join("%s %s" % fact for fact in facts if fact[1] is not None)
        super().__init__("%s: %s" % (where or "relation data", reason))


class RelationMethodError(ReactiveError, AttributeError):
    """The object of a relation has no method of this name.

    Attributes:
        relation: name of the object's class.
        method: the method that was asked for.
    """

    __module__ = _PUBLIC

    def __init__(self, relation: str, method: str) -> None:
        self.relation = relation
        self.method = method
        super().__init__("%s has no method %r" % (relation, method))


class RelationToolError(HookToolError, subprocess.CalledProcessError):
    """Juju refused to read or to publish relation data.

    Attributes:
        returncode: exit status of the hook tool.
        cmd: its command line.
        relation: id of the relation.
    """

    __module__ = _PUBLIC

    def __init__(self, relation: str, returncode: int, cmd: Sequence[str], reason: str) -> None:
        subprocess.CalledProcessError.__init__(self, returncode, list(cmd))
        self.tool = cmd[0]
        self.relation = relation
        self._reason = reason
        self.args = (str(self),)

    def __str__(self) -> str:
        return "hook tool %s, relation %s: %s" % (self.tool, self.relation, self._reason)


class EventAttributeError(ReactiveError, TypeError):
    """An event was given an attribute that its class does not annotate.

    Attributes:
        event: name of the event's class.
        attribute: the keyword in question.
        known: the attributes that the class has.
    """

    __module__ = _PUBLIC

    def __init__(self, event: str, attribute: str, known: Sequence[str]) -> None:
        self.event = event
        self.attribute = attribute
        self.known = tuple(known)
        has = "its attributes are %s" % ", ".join(self.known) if self.known else "it has none"
        super().__init__(
            "%s has no attribute %r: %s; annotate it in the class to make it one" % (event, attribute, has)
        )


class EventHandlerError(StrictModeError):
    """Handlers of events have raised, where that is not only to be logged: in strict mode and in tests.

    The first of their exceptions is the ``__cause__``.

    Attributes:
        failures: which handler failed on which event with what, in words, in order.
    """

    __module__ = _PUBLIC

    def __init__(self, failures: Sequence[str]) -> None:
        self.failures = tuple(failures)
        more = "" if len(self.failures) == 1 else " (and %d more)" % (len(self.failures) - 1)
        super().__init__("%s%s; the log has the traceback" % (self.failures[0], more))


class EventUseError(ReactiveError, TypeError):
    """An event, its source or a handler is used in a way that cannot work."""

    __module__ = _PUBLIC


class EventCycleError(ReactiveError, RuntimeError):
    """Handlers of events kept causing the same events, and were stopped.

    It is the one exception that no emission isolates: it comes out where the first event was emitted.

    Attributes:
        steps: the events of the cycle, each as words, in the order they caused one another.
    """

    __module__ = _PUBLIC

    def __init__(self, steps: Sequence[str], reason: str) -> None:
        self.steps = tuple(steps)
        super().__init__(
            "%s: %s; change one of their handlers so that the chain ends" % (reason, " -> ".join(self.steps))
        )


class StatusError(ReactiveError, TypeError):
    """What was given as a status, or to one of the functions of ``status``, is of no use there.

    Attributes:
        given: the object in question.
    """

    __module__ = _PUBLIC

    def __init__(self, given: object, reason: str) -> None:
        self.given = given
        super().__init__("%s: %s" % (kind_of(given), reason))


class ReconcilerError(ReactiveError):
    """Something failed in a way that was foreseen: ``status.on_error`` has added a status for it.

    The original exception is the ``__cause__``.

    Attributes:
        status: the status that was added.
    """

    __module__ = _PUBLIC

    def __init__(self, status: Any = None, reason: object = "") -> None:
        self.status = status
        parts = []
        if hasattr(status, "name") and hasattr(status, "message"):
            parts.append("%s: %s" % (status.name, status.message) if status.message else str(status.name))
        elif status is not None:
            parts.append(str(status))
        if isinstance(reason, BaseException):
            words, name = in_words(reason), type(reason).__name__
            reason = name if words == name + ": " else words
        if reason:
            parts.append("(%s)" % reason if parts else str(reason))
        super().__init__(" ".join(parts))


class RecordError(ReactiveError):
    """Base of the errors of records.

    Their messages name classes, fields and types, and never what a record holds, its key included.

    Attributes:
        record: name of the record's class.
        key: the key of the record that it is about, or the values that were looked for, by field;
            ``None`` where it is about none.
    """

    __module__ = _PUBLIC

    def __init__(self, record: str, reason: object, key: object = None) -> None:
        self.record = record
        self.key = key
        super().__init__("%s: %s" % (record, reason))


class RecordDefinitionError(RecordError, TypeError):
    """A class of records is defined in a way that cannot work."""

    __module__ = _PUBLIC


class RecordFieldError(RecordError, TypeError):
    """A field was given a value that it cannot have, or none, or there is no such field.

    Attributes:
        field: its name.
        expected: what it takes, in words; ``None`` if there is no such field.
        value: what it was given; ``None`` where nothing was, or the field is sensitive.
    """

    __module__ = _PUBLIC

    def __init__(
        self,
        record: str,
        field: str,
        expected: Optional[str],
        value: object,
        reason: str,
        key: object = None,
    ) -> None:
        self.field = field
        self.expected = expected
        self.value = value
        super().__init__(record, "field %s: %s" % (field, reason), key)


class RecordNotFoundError(RecordError, LookupError):
    """There is no such record: it was never saved, was deleted, or was rolled back."""

    __module__ = _PUBLIC

    def __init__(self, record: str, key: object, reason: str = "") -> None:
        sought = "with this %s" % ", ".join(key) if isinstance(key, dict) else "of this key"
        super().__init__(record, reason or "there is no record " + sought, key)


class RecordAmbiguousError(RecordError, LookupError):
    """More than one record has the fields that were to name one.

    Attributes:
        fields: the fields that were looked for.
        count: how many records have them.
    """

    __module__ = _PUBLIC

    def __init__(self, record: str, fields: object, count: int) -> None:
        self.fields = fields
        self.count = count
        names = ", ".join(fields) if isinstance(fields, dict) else "key"
        super().__init__(
            record, "%d records have this %s; use filter(), or get() with the key" % (count, names), fields
        )


class RecordExistsError(RecordError, ValueError):
    """A record of that key, or with that value of a unique field, is there already.

    Attributes:
        field: the unique field; ``None`` where it is the key.
    """

    __module__ = _PUBLIC

    def __init__(self, record: str, key: object, field: Optional[str] = None) -> None:
        self.field = field
        what = "of this key" if field is None else "with this %s, which is unique," % field
        super().__init__(record, "there is a record %s already; get() and save() it to change it" % what, key)


class RecordReferenceError(RecordError, ValueError):
    """A record refers to one that is not there, or one cannot be deleted because another refers to it.

    Attributes:
        field: the field that refers.
    """

    __module__ = _PUBLIC

    def __init__(self, record: str, key: object, field: str, reason: str) -> None:
        self.field = field
        super().__init__(record, "field %s: %s" % (field, reason), key)
