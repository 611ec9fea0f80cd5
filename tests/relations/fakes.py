"""A Juju of this process: hook tools that are functions, and a count of the processes they stand for."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import yaml

Command = Tuple[str, ...]
Bag = Dict[str, str]


class Relation:
    """One relation as Juju knows it.

    Attributes:
        application: on the other side.
        units: of the other side, each with its data.
        application_data: of the other side.
        local_unit: what our unit has published.
        local_application: what our application has published.
    """

    def __init__(
        self,
        application: str,
        units: Optional[Mapping[str, Mapping[str, str]]] = None,
        application_data: Optional[Mapping[str, str]] = None,
    ) -> None:
        self.application = application
        self.units: Dict[str, Bag] = {name: dict(data) for name, data in (units or {}).items()}
        self.application_data: Bag = dict(application_data or {})
        self.local_unit: Bag = {"ingress-address": "10.0.0.1"}
        self.local_application: Bag = {}


class Juju:
    """The side of Juju: relations, settings, and the tools that a hook asks them with.

    Attributes:
        unit: the name of our unit.
        leader: whether it leads.
        relations: by id, such as ``db:1``.
        config: of the charm.
        leader_settings: what the leader has set.
        calls: the command line of each process, in order.
        log: what was said with ``juju-log``, each a pair of level and message.
        missing: tools that this Juju does not have.
    """

    def __init__(self, unit: str = "app/0", leader: bool = True) -> None:
        self.unit = unit
        self.leader = leader
        self.relations: Dict[str, Relation] = {}
        self.config: Dict[str, Any] = {}
        self.leader_settings: Bag = {}
        self.calls: List[Command] = []
        self.log: List[Tuple[str, str]] = []
        self.missing: List[str] = []
        self._tools: Dict[str, Callable[[List[str], bytes], object]] = {
            "relation-ids": self._relation_ids,
            "relation-list": self._relation_list,
            "relation-get": self._relation_get,
            "relation-set": self._relation_set,
            "config-get": lambda words, _: self.config,
            "is-leader": lambda words, _: self.leader,
            "leader-get": lambda words, _: self.leader_settings,
            "juju-log": self._juju_log,
            "status-set": lambda words, _: None,
        }

    # -- for tests -------------------------------------------------------------------------------
    def relate(
        self,
        relation_id: str,
        application: str,
        units: Optional[Mapping[str, Mapping[str, str]]] = None,
        application_data: Optional[Mapping[str, str]] = None,
    ) -> Relation:
        """Add a relation; runs no hook."""
        self.relations[relation_id] = Relation(application, units, application_data)
        return self.relations[relation_id]

    def count(self, tool: Optional[str] = None) -> Any:
        """How often a tool was started, or for all tools at once."""
        counted = Counter(call[0] for call in self.calls)
        return dict(counted) if tool is None else counted[tool]

    def calls_of(self, tool: str) -> List[Command]:
        """The arguments of each call of a tool."""
        return [call[1:] for call in self.calls if call[0] == tool]

    def install(self, monkeypatch: Any) -> None:
        """Let ``subprocess`` find these tools; every other command is run as ever."""
        run, check_output = subprocess.run, subprocess.check_output
        check_call, call = subprocess.check_call, subprocess.call

        def fake_run(command: Any, *args: Any, **options: Any) -> Any:
            if not self._knows(command):
                return run(command, *args, **options)
            given = options.get("input") or b""
            status, said = self._answer(command, given.encode() if isinstance(given, str) else given)
            text = options.get("universal_newlines") or options.get("text")
            stdout: Union[str, bytes] = said.decode() if text else said
            if status and options.get("check"):
                raise subprocess.CalledProcessError(status, command, stdout, stdout)
            return subprocess.CompletedProcess(command, status, stdout, type(stdout)())

        def fake_check_output(command: Any, *args: Any, **options: Any) -> Any:
            if not self._knows(command):
                return check_output(command, *args, **options)
            return fake_run(command, check=True, **options).stdout

        def fake_check_call(command: Any, *args: Any, **options: Any) -> Any:
            if not self._knows(command):
                return check_call(command, *args, **options)
            return fake_run(command, check=True, **options).returncode

        def fake_call(command: Any, *args: Any, **options: Any) -> Any:
            if not self._knows(command):
                return call(command, *args, **options)
            return fake_run(command, **options).returncode

        monkeypatch.setattr(subprocess, "run", fake_run)
        monkeypatch.setattr(subprocess, "check_output", fake_check_output)
        monkeypatch.setattr(subprocess, "check_call", fake_check_call)
        monkeypatch.setattr(subprocess, "call", fake_call)

    # -- the tools -------------------------------------------------------------------------------
    def _knows(self, command: Any) -> bool:
        return isinstance(command, (list, tuple)) and bool(command) and command[0] in self._tools

    def _answer(self, command: Sequence[str], given: bytes) -> Tuple[int, bytes]:
        if command[0] in self.missing:
            raise FileNotFoundError(2, "No such file or directory", command[0])
        self.calls.append(tuple(command))
        words = [word for word in command[1:] if word != "--format=json"]
        try:
            answer = self._tools[command[0]](words, given)
        except _Refused as refused:
            return refused.status, str(refused).encode()
        if isinstance(answer, bytes):
            return 0, answer
        return 0, json.dumps(answer).encode()

    def _relation_ids(self, words: List[str], _: bytes) -> object:
        return [known for known in sorted(self.relations) if known.partition(":")[0] == words[0]]

    def _relation_list(self, words: List[str], _: bytes) -> object:
        relation = self._relation(words)
        return relation.application if "--app" in words else sorted(relation.units)

    def _relation_get(self, words: List[str], _: bytes) -> object:
        relation, whole = self._relation(words), "--app" in words
        rest = _positional(words)
        key, who = rest[0], rest[1]
        application = self.unit.partition("/")[0]
        if whole and who == application:
            if not self.leader and relation.application != application:
                raise _Refused("permission denied")
            bag = relation.local_application
        elif whole and who == relation.application:
            bag = relation.application_data
        elif who == self.unit:
            bag = relation.local_unit
        elif who in relation.units:
            bag = relation.units[who]
        else:
            raise _Refused("permission denied")
        return dict(bag) if key == "-" else bag.get(key)

    def _relation_set(self, words: List[str], given: bytes) -> object:
        if "--help" in words:
            return b"Usage: relation-set [options] key=value [key=value ...]\n  --file  (= )\n"
        relation, whole = self._relation(words), "--app" in words
        if whole and not self.leader:
            raise _Refused("cannot write relation settings: permission denied")
        settings: Dict[str, Any] = {}
        if "--file" in words:
            path = words[words.index("--file") + 1]
            if path != "-":
                with open(path, "rb") as file:
                    given = file.read()
            settings.update(yaml.safe_load(given.decode("utf-8")) or {})
        settings.update(word.partition("=")[::2] for word in _positional(words))
        bag = relation.local_application if whole else relation.local_unit
        for key, value in settings.items():
            if value is None or value == "":
                bag.pop(key, None)
            else:
                if not isinstance(value, str):
                    raise _Refused("cannot unmarshal %r into a string" % (value,))
                bag[key] = value
        return b""

    def _juju_log(self, words: List[str], _: bytes) -> object:
        level = words[words.index("-l") + 1] if "-l" in words else "INFO"
        self.log.append((level, words[-1]))
        return b""

    def _relation(self, words: List[str]) -> Relation:
        relation = self.relations.get(words[words.index("-r") + 1])
        if relation is None:
            raise _Refused("invalid value for option -r: relation not found", 2)
        return relation


class _Refused(Exception):
    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__("ERROR " + message)
        self.status = status


def _positional(words: List[str]) -> List[str]:
    rest, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-r", "--file"):
            skip = True
        elif word == "-" or not word.startswith("-"):
            rest.append(word)
    return rest
