"""Hooks as traces: what OpenTelemetry's SDK makes of them, and what a collector receives over OTLP/HTTP."""

from __future__ import annotations

import http.server
import threading
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional

import pytest

from charms_reactive.testing import SimulatedUnit
from framework.support import Unit

pytestmark = pytest.mark.long

SECRET = "pl4nted"

CHARM = """
from charmhelpers.core import hookenv
from charms.reactive import *

@when_not("app.installed")
def install():
    hookenv.status_set("active", "%(secret)s is up")
    set_flag("app.installed", "%(secret)s")

@when("app.installed")
@when_not("app.done")
def configure():
    if hookenv.config("port") > 65535:
        raise ValueError("%(secret)s")
    set_flag("app.done")
    clear_flag("app.other")
""" % {"secret": SECRET}


class Collector:
    """What listens where a collector of OpenTelemetry would.

    Attributes:
        address: of it.
        received: the spans, each with the attributes of its resource.
        paths: to which something was posted.
    """

    def __init__(self, status: int = 200) -> None:
        self.received: List[Any] = []
        self.resources: List[Dict[str, str]] = []
        self.paths: List[str] = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                collector.paths.append(self.path)
                request = ExportTraceServiceRequest.FromString(body)
                for of_resource in request.resource_spans:
                    collector.resources.append(_attributes(of_resource.resource))
                    for scope in of_resource.scope_spans:
                        collector.received += scope.spans
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 -- its own name
                pass

        self._server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.address = "http://127.0.0.1:%d" % self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _attributes(of: Any) -> Dict[str, Any]:
    found: Dict[str, Any] = {}
    for one in of.attributes:
        kind = one.value.WhichOneof("value")
        value = getattr(one.value, kind)
        found[one.key] = [each.string_value for each in value.values] if kind == "array_value" else value
    return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


def unit_of(tmp_path: Path, engine: str, endpoint: str, option: str = "") -> SimulatedUnit:
    (tmp_path / "app" / "reactive").mkdir(parents=True)
    (tmp_path / "app" / "metadata.yaml").write_text("name: app\n")
    (tmp_path / "app" / "config.yaml").write_text("options:\n  port: {type: int, default: 80}\n" + option)
    (tmp_path / "app" / "reactive" / "app.py").write_text(CHARM)
    variables = {"CHARMS_REACTIVE_OTLP": endpoint}
    return SimulatedUnit(tmp_path / "app", tmp_path / "unit", engine=engine, environment=variables)


def by_name(spans: List[Any]) -> Dict[str, Any]:
    return {span.name: span for span in spans}


def test_a_hook_is_a_span_with_a_child_for_each_handler_and_tool(
    collector: Collector, engine_name: str, tmp_path: Path
) -> None:
    run = unit_of(tmp_path, engine_name, collector.address).run("install")
    assert run.succeeded
    assert collector.paths == ["/v1/traces"]
    spans = by_name(collector.received)
    hook = spans["hook install"]
    handlers = [spans["handler reactive/app.py:%s" % name] for name in ("5:install", "10:configure")]
    for handler in handlers:
        assert handler.parent_span_id == hook.span_id
        assert handler.trace_id == hook.trace_id
        assert hook.start_time_unix_nano < handler.start_time_unix_nano < handler.end_time_unix_nano
        assert handler.end_time_unix_nano <= hook.end_time_unix_nano
    assert spans["hook tool status-set"].parent_span_id == handlers[0].span_id
    assert spans["hook tool config-get"].parent_span_id != b""
    assert _attributes(handlers[0])["charms_reactive.flags.set"] == ["app.installed"]
    about = _attributes(hook)
    assert (about["juju.hook"], about["juju.status"], about["charms_reactive.engine"]) == (
        "install",
        "active",
        engine_name,
    )
    assert {"charms_reactive.ms.start", "charms_reactive.ms.commit"} <= set(about)
    assert hook.status.code == 0
    (resource,) = collector.resources
    assert (resource["service.name"], resource["juju.unit"]) == ("app", "app/0")
    took = (hook.end_time_unix_nano - hook.start_time_unix_nano) / 1e9
    assert 0.05 < took < run.duration + 0.1
    assert SECRET not in repr(collector.received)


def test_a_hook_that_fails_is_an_error_in_its_handler(
    collector: Collector, engine_name: str, tmp_path: Path
) -> None:
    unit = unit_of(tmp_path, engine_name, collector.address)
    unit.set_config(port=80800)
    assert not unit.run("config-changed").succeeded
    spans = by_name(collector.received)
    hook, handler = spans["hook config-changed"], spans["handler reactive/app.py:10:configure"]
    assert (hook.status.code, hook.status.message) == (2, "ValueError")
    assert (handler.status.code, handler.status.message) == (2, "ValueError")
    assert spans["handler reactive/app.py:5:install"].status.code == 0
    assert _attributes(hook)["charms_reactive.failed.handler"] == "reactive/app.py:10:configure"
    assert SECRET not in repr(collector.received)


def test_an_action_is_one(collector: Collector, one_unit: Unit) -> None:
    done = one_unit.run(
        "backup",
        env={"CHARMS_REACTIVE_OTLP": collector.address, "JUJU_HOOK_NAME": "", "JUJU_ACTION_NAME": "backup"},
    )
    assert done.status == 0
    assert list(by_name(collector.received)) == ["action backup"]


def test_the_option_names_the_collector_and_the_variable_goes_before_it(
    collector: Collector, one_unit: Unit
) -> None:
    one_unit.write("config.yaml", "options:\n  reactive-otlp: {type: string, default: ''}\n")
    one_unit.answer("config-get", '{"reactive-otlp": "%s/v1/traces"}' % collector.address)
    assert one_unit.run("start", env={"CHARMS_REACTIVE_HISTORY": "0"}).status == 0
    assert collector.paths == ["/v1/traces"]
    assert one_unit.run("start", env={"CHARMS_REACTIVE_OTLP": "0"}).status == 0
    assert len(collector.paths) == 1
    assert not [message for level, message in one_unit.logged() if level == "WARNING"]


def warned(unit: Unit) -> str:
    (told,) = [message for level, message in unit.logged() if level == "WARNING"]
    return told


def test_a_collector_that_is_not_there_fails_no_hook(one_unit: Unit) -> None:
    address = "http://me:%s@127.0.0.1:9" % SECRET
    done = one_unit.run("start", env={"CHARMS_REACTIVE_OTLP": address})
    assert (done.status, done.stderr) == (0, "")
    told = warned(one_unit)
    assert told.startswith("no trace of this hook was sent: the collector at http://127.0.0.1:9 ")
    assert SECRET not in told


@pytest.mark.parametrize("status", [400, 503])
def test_a_collector_that_refuses_fails_no_hook(one_unit: Unit, status: int) -> None:
    collector = Collector(status)
    try:
        done = one_unit.run("start", env={"CHARMS_REACTIVE_OTLP": collector.address})
    finally:
        collector.close()
    assert (done.status, done.stderr) == (0, "")
    assert warned(one_unit) == (
        "no trace of this hook was sent: the collector at %s has not taken it" % collector.address
    )


def test_without_the_extra_the_log_says_what_is_missing(one_unit: Unit) -> None:
    one_unit.write("lib/opentelemetry/__init__.py", "raise ImportError('not here')\n")
    variables: Dict[str, Optional[str]] = {
        "PYTHONPATH": "%s:%s" % (one_unit.directory / "lib", one_unit.env["PYTHONPATH"]),
        "CHARMS_REACTIVE_OTLP": "http://127.0.0.1:9",
    }
    done = one_unit.run("start", env=variables)
    assert (done.status, done.stderr) == (0, "")
    assert "the extra otel is not installed: put charms.reactive[otel] into wheelhouse.txt" in warned(
        one_unit
    )


def test_without_the_setting_nothing_of_it_is_imported(one_unit: Unit) -> None:
    one_unit.hook_file(
        "hooks/start",
        "import sys\nfrom charms.reactive import main\nmain()\n"
        "print([name for name in sys.modules if 'opentelemetry' in name or 'telemetry' in name])\n",
    )
    assert one_unit.run("start").stdout == "[]\n"


def test_the_desk_sends_nothing(collector: Collector, tmp_path: Path) -> None:
    """Though the charm's option names a collector by default."""
    option = "  reactive-otlp: {type: string, default: '%s'}\n" % collector.address
    unit = unit_of(tmp_path, "pure", "", option)
    assert unit.run("install").succeeded
    assert len(collector.paths) == 1  # as on a unit, where nobody says otherwise
    del unit.environment["CHARMS_REACTIVE_OTLP"]
    assert unit.run("start").succeeded
    assert len(collector.paths) == 1


def test_the_sdk_makes_the_spans_itself(
    engine_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its in-memory exporter: what is sent is what it has made."""
    from opentelemetry.sdk.trace import ReadableSpan

    from charms_reactive._dispatch import notes, telemetry

    monkeypatch.setenv("JUJU_UNIT_NAME", "app/0")
    monkeypatch.setenv("JUJU_RELATION_ID", "db:7")
    noted = notes.Notes(False, True)

    class Named:
        def id(self) -> str:
            return "reactive/app.py:1:f"

    noted.invoke(Named())  # type: ignore[arg-type]
    noted.tool(["relation-get", SECRET], noted.began + noted.ran[0][1] + 1e-6)
    noted.enter("commit")
    spans = telemetry.spans_of(noted, "db-relation-changed", False)
    assert all(isinstance(span, ReadableSpan) for span in spans)
    assert [span.name for span in spans] == [
        "handler reactive/app.py:1:f",
        "hook tool relation-get",
        "hook db-relation-changed",
    ]
    handler, tool, hook = spans
    assert handler.parent.span_id == hook.context.span_id
    assert tool.parent.span_id == handler.context.span_id
    assert hook.attributes["juju.relation.id"] == "db:7"
    assert hook.resource.attributes["service.name"] == "app"
    assert SECRET not in "".join(span.to_json() for span in spans)
