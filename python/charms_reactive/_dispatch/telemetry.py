"""The hook as a trace, for those who collect them: a span for it, and one for each handler and hook tool.

Made from the notes when the hook has ended, by OpenTelemetry's own SDK, and sent by its exporter over
OTLP/HTTP, where ``CHARMS_REACTIVE_OTLP`` or the option ``reactive-otlp`` names the collector. Both come with
the extra ``otel``; nothing of them is imported in any other hook. There are names and times in it, and no
value.
"""

from __future__ import annotations

import os
import time
from time import perf_counter

from charms_reactive._juju import juju_log
from charms_reactive._unit_state import unit_state
from charms_reactive._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

    from .notes import Notes

__all__ = ["ABOUT", "send", "spans_of"]

#: How long a hook waits for the collector, in seconds.
PATIENCE = 5

#: Variables of Juju that become attributes of the hook's span. None of them is a value.
ABOUT = {
    "JUJU_RELATION_ID": "juju.relation.id",
    "JUJU_REMOTE_UNIT": "juju.remote.unit",
    "JUJU_REMOTE_APP": "juju.remote.application",
    "JUJU_DEPARTING_UNIT": "juju.departing.unit",
    "JUJU_STORAGE_ID": "juju.storage.id",
    "JUJU_SECRET_ID": "juju.secret.id",
    "JUJU_WORKLOAD_NAME": "juju.workload",
}


def send(notes: Notes, hook: str, is_action: bool, endpoint: str) -> None:
    """Send the trace of a hook that has ended. What hinders that is told at WARNING, and fails no hook."""
    import logging

    # What the exporter itself has to say goes nowhere: the sentence below says it once.
    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
    logging.getLogger("opentelemetry").propagate = False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult
    except ImportError as error:
        _warn("the extra otel is not installed: put charms.reactive[otel] into wheelhouse.txt (%s)" % error)
        return
    try:
        exporter = OTLPSpanExporter(endpoint=_whole(endpoint), timeout=PATIENCE)
        if exporter.export(spans_of(notes, hook, is_action)) is not SpanExportResult.SUCCESS:
            _warn("the collector at %s has not taken it" % _without_password(endpoint))
        exporter.shutdown()
    except Exception as error:  # noqa: BLE001 -- the hook has ended: nobody could do anything about it
        _warn(
            "the collector at %s cannot be reached: %s" % (_without_password(endpoint), type(error).__name__)
        )


def _warn(reason: str) -> None:
    juju_log.log("no trace of this hook was sent: %s" % reason, juju_log.WARNING)


def _whole(endpoint: str) -> str:
    """The address to which traces are posted, of one that may name the collector alone."""
    scheme, found, rest = endpoint.rstrip("/").partition("://")
    if not found:
        scheme, rest = "http", scheme
    return "%s://%s" % (scheme, rest if "/" in rest else rest + "/v1/traces")


def _without_password(endpoint: str) -> str:
    scheme, found, rest = endpoint.partition("://")
    return scheme + found + rest.rpartition("@")[2]


def spans_of(notes: Notes, hook: str, is_action: bool) -> List[Any]:
    """The spans of a hook: its handlers' and hook tools', and last its own."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context

    collected = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create(_resource()), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(collected))
    tracer = provider.get_tracer("charms.reactive", __version__)
    now = perf_counter()
    zero = time.time_ns() - int((now - notes.began) * 1e9)

    def at(seconds: float) -> int:
        return zero + int(seconds * 1e9)

    whole = tracer.start_span(
        ("action %s" if is_action else "hook %s") % hook,
        kind=SpanKind.INTERNAL,
        start_time=zero,
        attributes=_of_hook(notes, hook, is_action),
    )
    inside = set_span_in_context(whole)
    flags = _flags_by_handler(notes)
    handlers: List[Tuple[float, float, Any]] = []
    for number, (id, began, took) in enumerate(notes.ran):
        span = tracer.start_span(
            "handler %s" % id, context=inside, start_time=at(began), attributes=flags[number] if flags else {}
        )
        last = number == len(notes.ran) - 1
        if last and notes.error is not None and notes.error["handler"] == id:
            span.set_status(Status(StatusCode.ERROR, notes.error["type"]))
        handlers.append((began, began + took, set_span_in_context(span)))
        span.end(end_time=at(began + took))
    for name, began, took in notes.tools:
        around = next((context for first, end, context in handlers if first <= began < end), inside)
        tracer.start_span(
            "hook tool %s" % name, context=around, kind=SpanKind.CLIENT, start_time=at(began)
        ).end(end_time=at(began + took))
    if notes.error is not None:
        whole.set_status(Status(StatusCode.ERROR, notes.error["type"]))
    whole.end(end_time=at(now - notes.began))
    return list(collected.get_finished_spans())


def _resource() -> Dict[str, Any]:
    unit = os.environ.get("JUJU_UNIT_NAME", "")
    found = {
        "service.name": unit.partition("/")[0] or "charm",
        "service.instance.id": unit,
        "juju.unit": unit,
        "juju.model": os.environ.get("JUJU_MODEL_NAME", ""),
        "juju.model.uuid": os.environ.get("JUJU_MODEL_UUID", ""),
        "juju.version": os.environ.get("JUJU_VERSION", ""),
    }
    return {key: value for key, value in found.items() if value}


def _of_hook(notes: Notes, hook: str, is_action: bool) -> Dict[str, Any]:
    engine = "pure" if unit_state.unit.engine.__module__.endswith("pure") else "native"
    found: Dict[str, Any] = {
        "juju.action" if is_action else "juju.hook": hook,
        "charms_reactive.engine": engine,
    }
    for variable, name in ABOUT.items():
        if os.environ.get(variable):
            found[name] = os.environ[variable]
    found.update(
        ("charms_reactive.ms.%s" % part, round(spent * 1000, 2)) for part, spent in notes.spent.items()
    )
    if notes.status is not None:
        found["juju.status"] = notes.status[0]
    if notes.error is not None:
        found["error.type"] = notes.error["type"]
        if notes.error["handler"]:
            found["charms_reactive.failed.handler"] = notes.error["handler"]
    return found


def _flags_by_handler(notes: Notes) -> List[Dict[str, Any]]:
    """Which flags each invocation has set and cleared, as attributes; none where not everything is noted."""
    found: List[Dict[str, Any]] = []
    current: Optional[Dict[str, Any]] = None
    for event in notes.events:
        if event[0] == "invoke":
            current = {}
            found.append(current)
        elif event[0] in ("set", "clear") and current is not None:
            key = "charms_reactive.flags.%s" % ("set" if event[0] == "set" else "cleared")
            current[key] = [*current.get(key, ()), event[1]]
    return found if len(found) == len(notes.ran) else []
