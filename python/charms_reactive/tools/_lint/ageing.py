"""Rules about what was right once: deprecated names, modules that Python dropped, and what Juju 4 has not."""

from __future__ import annotations

import ast
import re
from typing import Dict, Iterator, Optional, Set, Tuple

from charms_reactive._juju.hook_names import UNTIL_JUJU_3
from charms_reactive.tools._charm.knowledge import Reading
from charms_reactive.tools._charm.model import Place, SourceFile
from charms_reactive.tools._charm.syntax import place_of

from .flags import always_on
from .rules import NOTE, WARNING, Finding, Settings, rule

_OLD = {
    "set_state": "set_flag",
    "remove_state": "clear_flag",
    "toggle_state": "toggle_flag",
    "is_state": "is_flag_set",
    "all_states": "all_flags_set",
    "any_states": "any_flags_set",
    "get_states": "get_flags",
    "get_state": "a record, or unitdata.kv()",
    "relation_from_flag": "endpoint_from_flag",
    "relation_from_state": "endpoint_from_flag",
    "relation_from_name": "endpoint_from_name",
}


@rule("CR601", "deprecated-name", NOTE, "a name of the framework that has a better one")
def old_name(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A deprecated name is used. It works, and will as long as there is a version below 2; new code should
    not use it.

    `set_state`, `remove_state` and so on are `set_flag`, `clear_flag` and so on; `relation_from_flag` is
    `endpoint_from_flag`.
    """
    for file in reading.files:
        if file.kind == "bash":
            for number, line in enumerate(file.lines, 1):
                for match in re.finditer(
                    r"(?<![\w.-])(set_state|remove_state|is_state|all_states|any_states)(?![\w.-])",
                    line.partition("#")[0],
                ):
                    place = Place(file.path, number, match.start() + 1, match.end() + 1)
                    yield old_name.at(place, "%s is deprecated" % match.group(), _OLD[match.group()])
            continue
        for site in file.calls:
            if site.of != "framework" or site.name not in _OLD:
                continue
            first = site.base.partition(".")[0]
            if site.base and first not in file.imports:
                continue  # a method of a relation of the old kind
            yield old_name.at(site.place, "%s is deprecated" % site.name, _OLD[site.name])


@rule("CR602", "only-once", NOTE, "@only_once")
def only_once(reading: Reading, _: Settings) -> Iterator[Finding]:
    """`@only_once` is deprecated: `@when_not` of a flag that the handler sets says what was done, and can
    be cleared.
    """
    for file in reading.files:
        for function in file.functions:
            for decorator in function.decorators:
                if decorator.name == "only_once":
                    yield only_once.at(
                        decorator.place,
                        "@only_once of %s is deprecated" % function.name,
                        advice='write @when_not("…") of a flag that it sets',
                    )


@rule("CR603", "data-changed", NOTE, "data_changed is asked by more than one")
def data_changed(reading: Reading, _: Settings) -> Iterator[Finding]:
    """`data_changed` answers yes once: whoever asks second, after a failed hook for example, is told no.
    Let a flag or an event of the thing itself say that it has changed; in 1.6 `is_data_changed` asks
    without using it up.
    """
    for file in reading.files:
        for site in file.calls:
            if site.of == "framework" and site.name == "data_changed":
                yield data_changed.at(
                    site.place, "data_changed uses up the change that it tells of", "is_data_changed"
                )


@rule("CR604", "flag-value", NOTE, "a flag is given a value")
def flag_value(reading: Reading, _: Settings) -> Iterator[Finding]:
    """`set_flag(name, value)`: values of flags are there for relations of the old kind. Keep data in a
    record, or in `unitdata.kv()`.
    """
    for file in reading.files:
        for site in file.calls:
            if site.of == "framework" and site.name in ("set_flag", "set_state"):
                first = site.base.partition(".")[0]
                if site.base and first not in file.imports:
                    continue
                values = [
                    *site.node.args[1:2],
                    *(word.value for word in site.node.keywords if word.arg == "value"),
                ]
                if values and not (isinstance(values[0], ast.Constant) and values[0].value is None):
                    yield flag_value.at(
                        site.place,
                        "a flag is given a value",
                        advice="keep data in a record, or in unitdata.kv()",
                    )


@rule("CR605", "relation-base", NOTE, "a relation of the old kind")
def relation_base(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A class is made of `RelationBase`, which is deprecated: make it an `Endpoint`."""
    for file in reading.files:
        for info in file.classes.values():
            for base in info.bases:
                name = base.rpartition(".")[2]
                origin = file.imports.get(base.partition(".")[0], "")
                if name == "RelationBase" and "reactive" in origin:
                    yield relation_base.at(
                        info.place, "class %s is a relation of the old kind" % info.name, "Endpoint"
                    )


# -- Python -----------------------------------------------------------------------------------------------
#: Modules that a version of Python has dropped, and what is there in their place.
REMOVED: Dict[str, Tuple[str, str]] = {
    "distutils": ("3.12", "setuptools, packaging.version or shutil"),
    "imp": ("3.12", "importlib"),
    "asynchat": ("3.12", "asyncio"),
    "asyncore": ("3.12", "asyncio"),
    "smtpd": ("3.12", "aiosmtpd"),
    "cgi": ("3.13", "urllib.parse or email.message"),
    "cgitb": ("3.13", "traceback"),
    "crypt": ("3.13", "passlib or hashlib"),
    "imghdr": ("3.13", "filetype"),
    "nntplib": ("3.13", "a library of PyPI"),
    "pipes": ("3.13", "subprocess and shlex.quote"),
    "telnetlib": ("3.13", "a library of PyPI"),
    "spwd": ("3.13", "a library of PyPI"),
    "uu": ("3.13", "base64"),
    "xdrlib": ("3.13", "a library of PyPI"),
    "sndhdr": ("3.13", "filetype"),
    "lib2to3": ("3.13", "parso or libcst"),
}


@rule("CR701", "removed-module", WARNING, "an import that fails on a newer Python")
def removed(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A module is imported that Python has dropped: `distutils`, `imp`, `asynchat`, `asyncore` and `smtpd`
    in 3.12 (Ubuntu 24.04), `pipes`, `crypt`, `telnetlib`, `cgi` and others in 3.13; or `pkg_resources`,
    which Python does not bring along since 3.12, and which setuptools 82 has dropped.

    An import in a `try` with `except ImportError` is not told of. `distutils` and `pkg_resources` are there
    as long as the charm's environment has setuptools below 82; layer:basic needs that itself.
    """
    for file in reading.files:
        for name, place, may_fail in file.imported:
            top = name.partition(".")[0]
            if may_fail:
                continue
            if top in REMOVED:
                version, other = REMOVED[top]
                yield removed.at(
                    place, "Python %s has no module %s" % (version, top), advice="use %s" % other
                )
            elif top == "pkg_resources":
                yield removed.at(
                    place,
                    "setuptools 82 has no pkg_resources, and Python 3.12 does not bring setuptools along",
                    advice="use importlib.metadata",
                )


# -- Juju 4 -----------------------------------------------------------------------------------------------
def _for_juju(found: Iterator[Finding], settings: Settings) -> Iterator[Finding]:
    """What Juju 4 has not, is a note for a charm of Juju 3."""
    for finding in found:
        yield finding._replace(level=WARNING) if settings.juju >= 4 else finding


@rule("CR801", "juju4-leader-settings", NOTE, "leader settings, which Juju 4 does not have")
def leader_settings(reading: Reading, settings: Settings) -> Iterator[Finding]:
    """`leader_get`, `leader_set`, `leader-get`, `leader-set`, and flags `leadership.set.…` and
    `leadership.changed…`: Juju 4 has no leader settings. Put such values into the application's data of a
    peer relation.

    A note, and a warning with `--juju 4`.
    """
    yield from _for_juju(_leader_settings(reading), settings)


def _leader_settings(reading: Reading) -> Iterator[Finding]:
    for file in reading.files:
        if file.kind == "bash":
            for number, line in enumerate(file.lines, 1):
                for match in re.finditer(r"(?<![\w.-])leader-[gs]et(?![\w.-])", line.partition("#")[0]):
                    place = Place(file.path, number, match.start() + 1, match.end() + 1)
                    yield leader_settings.at(place, "Juju 4 has no hook tool %s" % match.group())
            continue
        for site in file.calls:
            if site.of == "hookenv" and site.name in ("leader_get", "leader_set"):
                yield leader_settings.at(
                    site.place, "%s fails on Juju 4, which has no leader settings" % site.name
                )
        for name, place, _ in file.imported:
            if name == "charms.leadership":
                yield leader_settings.at(
                    place, "layer:leadership is for leader settings, which Juju 4 does not have"
                )
    for name, place in reading.declared.includes:
        if name == "layer:leadership":
            yield leader_settings.at(
                place, "layer:leadership asks leader-get in each hook, which fails on Juju 4"
            )
    seen: Set[Place] = set()
    for use in reading.uses:
        if (
            use.how in ("condition", "read", "trigger")
            and use.name.startswith(("leadership.set", "leadership.changed"))
            and use.place not in seen
        ):
            seen.add(use.place)
            yield leader_settings.at(
                use.place, "Juju 4 has no leader settings, so that the flag %r stays as it is" % use.name
            )


@rule("CR802", "juju4-private-address", NOTE, "private-address, which Juju 4 does not put into relation data")
def private_address(reading: Reading, settings: Settings) -> Iterator[Finding]:
    """`private-address` is read from relation data: Juju 4 does not put it there, so that it is None.

    Read `ingress-address`, which Juju 3 has as well. A note, and a warning with `--juju 4`.
    """
    yield from _for_juju(_private_addresses(reading), settings)


def _private_addresses(reading: Reading) -> Iterator[Finding]:
    for file in reading.files:
        if file.tree is None or "private-address" not in file.string_counts:
            continue
        for node in ast.walk(file.tree):
            read: Optional[ast.expr] = None
            if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
                read = (
                    node.slice if isinstance(node.slice, ast.Constant) else getattr(node.slice, "value", None)
                )
            elif isinstance(node, ast.Call) and _last_name(node.func) in _READERS:
                named = [word.value for word in node.keywords if word.arg in ("attribute", "key")]
                read = next(iter([*node.args[:1], *named]), None)
            if isinstance(read, ast.Constant) and read.value == "private-address":
                message = "Juju 4 puts no private-address into relation data"
                yield private_address.at(place_of(read, file), message, "ingress-address")


_READERS = frozenset(["relation_get", "get_remote", "get"])


def _last_name(called: ast.expr) -> str:
    return str(getattr(called, "attr", getattr(called, "id", "")))


@rule("CR803", "juju4-pod-spec", NOTE, "pod specs, which Juju 4 does not have")
def pod_spec(reading: Reading, settings: Settings) -> Iterator[Finding]:
    """A charm of Kubernetes sets a pod spec, which Juju 4 does not have: make it a charm with a sidecar.

    A note, and a warning with `--juju 4`.
    """

    def found() -> Iterator[Finding]:
        for file in reading.files:
            for site in file.calls:
                if site.name == "pod_spec_set":
                    yield pod_spec.at(site.place, "Juju 4 has no pod-spec-set")
        for place in _strings(reading, {"pod-spec-set", "k8s-spec-set", "k8s-raw-set"}):
            yield pod_spec.at(place, "Juju 4 has no hook tool for pod specs")
        for name, place in reading.declared.includes:
            if name == "layer:caas-base":
                yield pod_spec.at(place, "layer:caas-base is for pod specs, which Juju 4 does not have")

    yield from _for_juju(found(), settings)


@rule("CR804", "juju4-series", NOTE, "JUJU_TARGET_SERIES, which Juju 4 does not set")
def target_series(reading: Reading, settings: Settings) -> Iterator[Finding]:
    """The environment variable `JUJU_TARGET_SERIES` is read: Juju 4 does not set it. Read
    `JUJU_TARGET_BASE`, such as `ubuntu@24.04`.

    A note, and a warning with `--juju 4`.
    """

    def found() -> Iterator[Finding]:
        for place in _strings(reading, {"JUJU_TARGET_SERIES"}):
            yield target_series.at(place, "Juju 4 does not set JUJU_TARGET_SERIES", "JUJU_TARGET_BASE")
        for file in reading.files:
            if file.kind == "bash":
                for number, line in enumerate(file.lines, 1):
                    match = re.search(r"\bJUJU_TARGET_SERIES\b", line.partition("#")[0])
                    if match:
                        place = Place(file.path, number, match.start() + 1, match.end() + 1)
                        yield target_series.at(
                            place, "Juju 4 does not set JUJU_TARGET_SERIES", "JUJU_TARGET_BASE"
                        )

    yield from _for_juju(found(), settings)


@rule("CR805", "juju4-hook", NOTE, "a hook that Juju 4 does not run")
def gone_hook(reading: Reading, settings: Settings) -> Iterator[Finding]:
    """`@hook`, `@collect_metrics` or `@meter_status_changed` waits for a hook that Juju 4 does not run.

    A note, and a warning with `--juju 4`.
    """

    def found() -> Iterator[Finding]:
        seen: Set[Place] = set()
        for handler in reading.handlers:
            for name, place in handler.hooks:
                if name in UNTIL_JUJU_3 and place not in seen:
                    seen.add(place)
                    yield gone_hook.at(place, "Juju 4 runs no hook %r" % name)

    yield from _for_juju(found(), settings)


@rule("CR806", "juju4-hook-tool", NOTE, "metrics and payloads, which Juju 4 does not have")
def gone_tool(reading: Reading, settings: Settings) -> Iterator[Finding]:
    """`add_metric`, `payload_register` and their like call hook tools that Juju 4 does not have: leave them
    out.

    A note, and a warning with `--juju 4`.
    """

    def found() -> Iterator[Finding]:
        for file in reading.files:
            for site in file.calls:
                if site.of == "hookenv" and site.name in _GONE_TOOLS:
                    yield gone_tool.at(site.place, "Juju 4 has no hook tool %s" % site.name.replace("_", "-"))
            for number, line in enumerate(file.lines, 1) if file.kind == "bash" else ():
                for match in _GONE_COMMANDS.finditer(line.partition("#")[0]):
                    place = Place(file.path, number, match.start() + 1, match.end() + 1)
                    yield gone_tool.at(place, "Juju 4 has no hook tool %s" % match.group())

    yield from _for_juju(found(), settings)


_GONE_TOOLS = frozenset(["add_metric", "payload_register", "payload_unregister", "payload_status_set"])
_GONE_COMMANDS = re.compile(r"(?<![\w.-])(?:add-metric|payload-(?:register|unregister|status-set))(?![\w.-])")


def _strings(reading: Reading, wanted: Set[str]) -> Iterator[Place]:
    for file in reading.files:
        if file.tree is None or wanted.isdisjoint(file.string_counts):
            continue
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in wanted:
                yield place_of(node, file)


# -- relation data ------------------------------------------------------------------------------------------
_SECRET = re.compile(
    r"(?:^|[_-])(?:password|passwd|passphrase|secret|token|private[_-]key|api[_-]key)$", re.IGNORECASE
)


@rule("CR901", "publishes-in-every-hook", NOTE, "relation data are published without a guard in every hook")
def publishes(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A handler that runs in every hook (CR103) publishes relation data whenever it does.

    Only what differs is sent, but a value that is made anew each time (a time, a random number, a list
    without an order) has every related unit run a hook, again and again. Guard it by a flag that is cleared
    when there is something to publish.
    """
    if not reading.whole:
        return
    for handler in always_on(reading):
        function = handler.function
        if function is None or function.node is None:
            continue
        for statement in function.node.body:
            for node in ast.walk(statement) if isinstance(statement, (ast.For, ast.Assign, ast.Expr)) else ():
                place = _published(node, function.file)
                if place is not None:
                    yield publishes.at(place, "%s publishes relation data in every hook" % handler.name)
                    break
            else:
                continue
            break


def _published(node: ast.AST, file: SourceFile) -> Optional[Place]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Subscript) and "to_publish" in ast.dump(target.value):
                return place_of(target, file)
    if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
        "relation_set",
        "set_remote",
    ):
        return place_of(node.func, file)
    return None


@rule("CR902", "plain-secret", NOTE, "a secret is published as plain relation data")
def plain_secret(reading: Reading, _: Settings) -> Iterator[Finding]:
    """A value that is called a password, a token or a key is published as plain relation data, which
    everybody who may look at the model can read. Where both sides know secrets of Juju (3.0 or later),
    publish the id of one.

    An interface that says so leaves no choice: write `# reactive: ignore[CR902]`.
    """
    for file in reading.files:
        if file.tree is None or not (
            "to_publish" in file.text or "relation_set" in file.text or "set_remote" in file.text
        ):
            continue
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Subscript) and "to_publish" in ast.dump(target.value):
                        key = getattr(target.slice, "value", target.slice)
                        key = key.value if isinstance(key, ast.Constant) else key
                        if isinstance(key, str) and _SECRET.search(key):
                            yield plain_secret.at(
                                place_of(target, file), "%r is published as plain relation data" % key
                            )
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in (
                "relation_set",
                "set_remote",
            ):
                for word in node.keywords:
                    if word.arg and _SECRET.search(word.arg):
                        yield plain_secret.at(
                            place_of(word.value, file), "%r is published as plain relation data" % word.arg
                        )
                for one in [*node.args, *(word.value for word in node.keywords)]:
                    for key in one.keys if isinstance(one, ast.Dict) else ():
                        if (
                            isinstance(key, ast.Constant)
                            and isinstance(key.value, str)
                            and _SECRET.search(key.value)
                        ):
                            yield plain_secret.at(
                                place_of(key, file), "%r is published as plain relation data" % key.value
                            )
