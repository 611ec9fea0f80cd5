"""Juju's tables as data: what each hook tool does, a row for each fact, in the files of the folder ``rows``.

A file is about one tool and has one or more YAML documents, each with ``from``, the file of juju/juju that
says so and its commit, and ``rows``. A row is a mapping:

==============  =======================================================================================
``ask``         the command line; ``$OURS`` and the like stand for the ids of secrets, see ``IDS``
``out``         what it prints
``err``         what it says on stderr although it succeeds
``refused``     what it says after ``ERROR``, with exit status 1
``misused``     the same, with exit status 2
``given``       what is different before, by path of keys; or a name of ``PRESETS``; or a list of these
``after``       command lines of the same hook that ran before it
``in``          what is piped in
``env``         more of the hook's environment
``now``         what is in the Juju side at once, by path
``kept``        what is there when the hook has succeeded
``lost``        what is there when the hook has failed
``juju``        the versions for which it holds, as ``2.9 3.6``; by default all that have the tool
==============  =======================================================================================

A document may have ``juju`` for all of its rows. Where ``from`` is no test of Juju's, no table of Juju's
shows what the rows say: it was read in the source.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import yaml

from charms_reactive.testing import hooktools

FOLDER = Path(__file__).parent / "rows"

#: Which releases stand for the versions.
RELEASES = {"2.9": "2.9.52", "3.1": "3.1.10", "3.6": "3.6.0", "4.0": "4.0.0"}

#: Ids as Juju makes them: of a secret of the application, of the unit, of another application, of a user; and
#: that of the first secret that app/0 adds.
IDS = {
    "$OURS": "9m4e2mr0ui3e8a215n40",
    "$MINE": "9m4e2mr0ui3e8a215n41",
    "$THEIRS": "9m4e2mr0ui3e8a215n42",
    "$HIDDEN": "9m4e2mr0ui3e8a215n43",
    "$NEW": "gn66c17g5uvce10l1gog",
}


def in_hook(name: str, relation: str = "", unit: str = "", application: str = "") -> Dict[str, Any]:
    """The key ``hook`` of a Juju side."""
    hook = {"name": name, "relation-id": relation, "remote-unit": unit, "remote-application": application}
    return {"hook": hook}


#: Interfaces and addresses of a unit that has several.
TWO: Any = {
    "bind-addresses": [
        {
            "interface-name": "eth0",
            "mac-address": "00:16:3e:00:00:01",
            "addresses": [
                {"address": "10.0.0.5", "cidr": "10.0.0.0/24"},
                {"address": "10.0.0.6", "cidr": "10.0.0.0/24"},
            ],
        },
        {"interface-name": "eth1", "addresses": [{"address": "fd00::5", "hostname": "six"}]},
    ],
    "ingress-addresses": ["203.0.113.7"],
    "egress-subnets": ["203.0.113.0/28", "10.0.0.0/24"],
}

#: States that many rows begin with.
PRESETS: Dict[str, Mapping[str, Any]] = {
    "MINION": {"leader": False},
    "CHANGED": in_hook("db-relation-changed", "db:0", "pg/0", "pg"),
    "CREATED": in_hook("db-relation-created", "db:0", "", "pg"),
    "BROKEN": in_hook("db-relation-broken", "db:0", "", "pg"),
    "DEPARTED": {
        **in_hook("db-relation-departed", "db:0", "pg/1", "pg"),
        "relations.db:0.units": {"pg/0": {"host": "h0"}},
        "relations.db:0.departing": {"pg/1": {"host": "h1"}},
    },
    "COLLECT": in_hook("collect-metrics"),
    "METER": in_hook("meter-status-changed"),
    "CAAS": {"model": {"name": "m", "uuid": "u", "type": "caas"}},
    "RUNNING": {
        "action": {
            "parameters": {"size": "big", "tree": {"a": {"b": [1, 2]}}, "n": 3},
            "results": {},
            "failure": None,
            "messages": [],
        }
    },
}


@dataclass
class Row:
    """What is asked, and what comes of it; see the top of this module."""

    line: str
    source: str
    versions: Tuple[str, ...]
    out: str = ""
    err: str = ""
    status: int = 0
    given: Mapping[str, Any] = field(default_factory=dict)
    after: Sequence[str] = ()
    stdin: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    at_once: Mapping[str, Any] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)
    lost: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return " ; ".join([*self.after, self.line])

    @property
    def tool(self) -> str:
        return shlex.split(self.line)[0]

    @property
    def says(self) -> str:
        """What it writes to stderr."""
        return "ERROR %s\n" % self.err if self.status else self.err


_NAMES = {"ask": "line", "in": "stdin", "env": "environ", "now": "at_once"}
_KEYS = {
    "ask",
    "out",
    "err",
    "refused",
    "misused",
    "given",
    "after",
    "in",
    "env",
    "now",
    "kept",
    "lost",
    "juju",
}
_SOURCE = re.compile(r"(?:juju/(?:utils|names|cmd|gnuflag|yaml) )?[\w./-]+\.go [0-9a-f]{7,}")


def load() -> Dict[str, List[Row]]:
    """The rows of each tool.

    Raises:
        ValueError: a file is not written as it has to be.
    """
    found: Dict[str, List[Row]] = {}
    for file in sorted(FOLDER.glob("*.yaml")):
        text = file.read_text(encoding="utf-8")
        for name, identity in IDS.items():
            text = text.replace(name, identity)
        rows = found.setdefault(file.stem, [])
        for document in yaml.load_all(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if set(document) - {"from", "rows", "juju"} or not _SOURCE.fullmatch(document["from"]):
                raise ValueError("%s: a document with %s" % (file.name, sorted(document)))
            rows.extend(_row(file.stem, one, document) for one in document["rows"])
    return found


def _row(tool: str, one: Dict[str, Any], document: Mapping[str, Any]) -> Row:
    if set(one) - _KEYS or shlex.split(one["ask"])[0] != tool:
        raise ValueError("%s: %s" % (tool, one))
    values = {_NAMES.get(key, key): value for key, value in one.items()}
    for key, status in (("refused", 1), ("misused", 2)):
        if key in values:
            values["err"], values["status"] = values.pop(key), status
    values["given"] = _given(one.get("given", {}))
    asked = str(values.pop("juju", document.get("juju", " ".join(RELEASES)))).split()
    if "juju-version" in values["given"]:
        asked = ["3.6"]
    versions = [name for name in asked if tool in hooktools.tools_of(RELEASES[name])]
    if not versions or set(asked) - set(RELEASES):
        raise ValueError("%s: for no version: %s" % (tool, one))
    return Row(source=document["from"], versions=tuple(versions), **values)


def _given(given: Any) -> Dict[str, Any]:
    merged: Dict[str, Any] = {}
    for part in given if isinstance(given, list) else [given]:
        merged.update(PRESETS[part] if isinstance(part, str) else part)
    return {key: _with_networks(value) for key, value in merged.items()}


def _with_networks(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_networks(inner) for key, inner in value.items()}
    return TWO if value == "$TWO" else value
