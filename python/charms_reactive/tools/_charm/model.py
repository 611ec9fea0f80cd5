"""What is known of a charm: places, flags, handlers and triggers, as plain values."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Set, Tuple, Union

__all__ = [
    "CallSite",
    "Condition",
    "Decorator",
    "FlagUse",
    "Function",
    "Handler",
    "Place",
    "SourceFile",
    "Trigger",
]


@dataclass(frozen=True)
class Place:
    """A piece of a line in one of the charm's files.

    Attributes:
        file: relative to the charm, with ``/`` between directories.
        line: from 1; 0 for the file as a whole.
        column: from 1, in characters.
        end: the column behind the last character; on the same line.
    """

    file: str
    line: int = 0
    column: int = 1
    end: int = 1


@dataclass(frozen=True)
class FlagUse:
    """One place of the code that has to do with a flag.

    Attributes:
        name: of the flag, or a pattern (:mod:`~charms_reactive.tools._charm.names`).
        how: ``set``, ``clear``, ``toggle``, ``read``, ``relation`` (asked for the relation object),
            ``condition``, ``trigger`` (starts one), ``triggered-set`` or ``triggered-clear``.
        place: of the name, else of the call.
        function: in whose body it stands.
        certain: it happens whenever the function is called: nothing before it branches, returns or catches.
    """

    name: str
    how: str
    place: Place
    function: Optional[Function] = field(default=None, compare=False)
    certain: bool = False


@dataclass(frozen=True)
class Condition:
    """One decorator's condition over flags.

    Attributes:
        kind: ``all``, ``any``, ``none`` or ``not_all``.
        flags: their names, in order.
        places: of each of them.
    """

    kind: str
    flags: Tuple[str, ...]
    places: Tuple[Place, ...]

    @property
    def decorator(self) -> str:
        return {"all": "when", "any": "when_any", "none": "when_not", "not_all": "when_not_all"}[self.kind]


@dataclass(eq=False)
class Decorator:
    """A decorator above a function, by the name that the framework gives it; empty for any other."""

    name: str
    node: ast.expr
    place: Place
    called: bool
    args: List[Tuple[str, Place]] = field(default_factory=list)
    #: An argument could not be told, such as ``*flags``.
    unknown: bool = False
    #: What stands there, as the charm wrote it.
    text: str = ""


@dataclass(eq=False)
class Function:
    """A function of the charm.

    Attributes:
        name: its own.
        place: of its name.
        first_line: of its first decorator, which is the line that Python tells.
        node: its syntax; ``None`` of a function in bash.
        file: where it stands.
        decorators: those above it, from the top.
        class_name: of the class around it, or empty.
        calls: what it calls of the framework and of ``hookenv``.
    """

    name: str
    place: Place
    first_line: int
    node: Optional[Union[ast.FunctionDef, ast.AsyncFunctionDef]]
    file: SourceFile
    decorators: List[Decorator] = field(default_factory=list)
    class_name: str = ""
    parameters: Tuple[str, ...] = ()
    calls: List[CallSite] = field(default_factory=list)
    uses: List[FlagUse] = field(default_factory=list)
    outer: Optional[Function] = None
    #: The body of a function in bash.
    body: str = ""

    @property
    def names(self) -> Set[str]:
        """The names of the framework's decorators above it."""
        return {decorator.name for decorator in self.decorators if decorator.name}


@dataclass(eq=False)
class CallSite:
    """A call that means something to a tool.

    Attributes:
        name: of what is called, by its own module's name for it (``set_flag``, ``leader_get``).
        of: what it stands for: ``flags``, ``hookenv``, …
        node: its syntax.
        place: of the called name.
        function: in whose body it stands.
        file: where it stands.
        certain: see :class:`FlagUse`.
        env: what the names around it stand for.
    """

    name: str
    of: str
    node: ast.Call
    place: Place
    function: Optional[Function]
    file: SourceFile
    certain: bool = False
    env: Any = None
    base: str = ""


@dataclass(eq=False)
class Handler:
    """A handler as the framework would register it.

    Attributes:
        id: file, line, name, and the endpoint that it serves, as the log has it.
        name: of the function.
        place: of the function's name.
        conditions: over flags.
        hooks: names of hooks, from ``@hook``.
        actions: names, from ``@action``.
        predicates: what else is asked, in words.
        exact: this is what the framework has registered, and not only what the code says.
        function: what runs; ``None`` if it was not found in the code.
        endpoint: that it serves, in an interface layer.
    """

    id: str
    name: str
    place: Place
    conditions: List[Condition] = field(default_factory=list)
    hooks: List[Tuple[str, Place]] = field(default_factory=list)
    actions: List[Tuple[str, Place]] = field(default_factory=list)
    predicates: List[str] = field(default_factory=list)
    exact: bool = False
    function: Optional[Function] = None
    endpoint: Optional[str] = None
    shell: bool = False

    @property
    def flags(self) -> List[str]:
        """The flags that it waits for, each once."""
        return list(dict.fromkeys(flag for condition in self.conditions for flag in condition.flags))

    def waits_for(self, kind: str) -> Set[str]:
        """The flags of all of its conditions of one kind."""
        return {flag for one in self.conditions if one.kind == kind for flag in one.flags}


@dataclass(frozen=True)
class Trigger:
    """A registered trigger: one flag's change changes others."""

    when: Optional[str]
    when_not: Optional[str]
    set_flag: Optional[str]
    clear_flag: Optional[str]
    place: Place
    callback: bool = False


@dataclass(eq=False)
class SourceFile:
    """One file of code.

    Attributes: path: relative to the charm. text: of the file. kind: ``python`` or ``bash``. tree: the
        syntax of Python; ``None`` if it has none. error: why not. role: of an interface layer's module:
        ``requires``, ``provides`` or ``peers``, ``*`` for a helper of all. interface: of the layer.
        discovered: the framework looks for handlers in it. loaded: the framework could import it; ``None``
        if nobody has tried. load_error: why not. theirs: it is a copy of a library, in which there is
        nothing to mend.
    """

    path: str
    text: str
    kind: str
    tree: Optional[ast.Module] = None
    error: str = ""
    error_line: int = 0
    role: str = ""
    interface: str = ""
    discovered: bool = False
    executable: bool = False
    loaded: Optional[bool] = None
    load_error: str = ""
    module: str = ""
    constants: Dict[str, List[ast.expr]] = field(default_factory=dict)
    imports: Dict[str, str] = field(default_factory=dict)
    functions: List[Function] = field(default_factory=list)
    calls: List[CallSite] = field(default_factory=list)
    uses: List[FlagUse] = field(default_factory=list)
    string_counts: Dict[str, int] = field(default_factory=dict)
    classes: Dict[str, Any] = field(default_factory=dict)
    imported: List[Tuple[str, Place, bool]] = field(default_factory=list)
    _lines: List[str] = field(default_factory=list)

    @property
    def lines(self) -> List[str]:
        if not self._lines:
            self._lines = self.text.splitlines()
        return self._lines
