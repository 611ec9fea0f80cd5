"""What is known of a charm: places, flags, handlers and triggers, as plain values."""

from __future__ import annotations

import ast
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple, Union

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


class Place(NamedTuple):
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


class FlagUse(NamedTuple):
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
    function: Optional[Function] = None
    certain: bool = False


class Condition(NamedTuple):
    """One decorator's condition over flags.

    Attributes:
        kind: ``all``, ``any``, ``none`` or ``not_all``; ``edge`` of flags one of which has to become set or
            cleared.
        flags: their names, in order.
        places: of each of them.
    """

    kind: str
    flags: Tuple[str, ...]
    places: Tuple[Place, ...]

    @property
    def decorator(self) -> str:
        return {
            "all": "when",
            "any": "when_any",
            "none": "when_not",
            "not_all": "when_not_all",
            "edge": "when_set",
        }[self.kind]


class Decorator:
    """A decorator above a function, by the name that the framework gives it; empty for any other."""

    def __init__(
        self,
        name: str,
        node: ast.expr,
        place: Place,
        called: bool,
        args: Optional[List[Tuple[str, Place]]] = None,
        unknown: bool = False,
        text: str = "",
    ) -> None:
        self.name = name
        self.node = node
        self.place = place
        self.called = called
        self.args: List[Tuple[str, Place]] = [] if args is None else args
        self.unknown = unknown
        self.text = text


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

    def __init__(
        self,
        name: str,
        place: Place,
        first_line: int,
        node: Optional[Union[ast.FunctionDef, ast.AsyncFunctionDef]],
        file: SourceFile,
        decorators: Optional[List[Decorator]] = None,
        class_name: str = "",
        parameters: Tuple[str, ...] = (),
        calls: Optional[List[CallSite]] = None,
        uses: Optional[List[FlagUse]] = None,
        outer: Optional[Function] = None,
        body: str = "",
    ) -> None:
        self.name = name
        self.place = place
        self.first_line = first_line
        self.node = node
        self.file = file
        self.decorators: List[Decorator] = [] if decorators is None else decorators
        self.class_name = class_name
        self.parameters = parameters
        self.calls: List[CallSite] = [] if calls is None else calls
        self.uses: List[FlagUse] = [] if uses is None else uses
        self.outer = outer
        self.body = body

    @property
    def names(self) -> Set[str]:
        """The names of the framework's decorators above it."""
        return {decorator.name for decorator in self.decorators if decorator.name}


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

    def __init__(
        self,
        name: str,
        of: str,
        node: ast.Call,
        place: Place,
        function: Optional[Function],
        file: SourceFile,
        certain: bool = False,
        env: Any = None,
        base: str = "",
    ) -> None:
        self.name = name
        self.of = of
        self.node = node
        self.place = place
        self.function = function
        self.file = file
        self.certain = certain
        self.env = env
        self.base = base


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

    def __init__(
        self,
        id: str,
        name: str,
        place: Place,
        conditions: Optional[List[Condition]] = None,
        hooks: Optional[List[Tuple[str, Place]]] = None,
        actions: Optional[List[Tuple[str, Place]]] = None,
        predicates: Optional[List[str]] = None,
        exact: bool = False,
        function: Optional[Function] = None,
        endpoint: Optional[str] = None,
        shell: bool = False,
    ) -> None:
        self.id = id
        self.name = name
        self.place = place
        self.conditions: List[Condition] = [] if conditions is None else conditions
        self.hooks: List[Tuple[str, Place]] = [] if hooks is None else hooks
        self.actions: List[Tuple[str, Place]] = [] if actions is None else actions
        self.predicates: List[str] = [] if predicates is None else predicates
        self.exact = exact
        self.function = function
        self.endpoint = endpoint
        self.shell = shell

    @property
    def flags(self) -> List[str]:
        """The flags that it waits for, each once."""
        return list(dict.fromkeys(flag for condition in self.conditions for flag in condition.flags))

    def waits_for(self, kind: str) -> Set[str]:
        """The flags of all of its conditions of one kind."""
        return {flag for one in self.conditions if one.kind == kind for flag in one.flags}


class Trigger(NamedTuple):
    """A registered trigger: one flag's change changes others."""

    when: Optional[str]
    when_not: Optional[str]
    set_flag: Optional[str]
    clear_flag: Optional[str]
    place: Place
    callback: bool = False


class SourceFile:
    """One file of code.

    Attributes: path: relative to the charm. text: of the file. kind: ``python`` or ``bash``. tree: the
        syntax of Python; ``None`` if it has none. error: why not. role: of an interface layer's module:
        ``requires``, ``provides`` or ``peers``, ``*`` for a helper of all. interface: of the layer.
        discovered: the framework looks for handlers in it. loaded: the framework could import it; ``None``
        if nobody has tried. load_error: why not. theirs: it is a copy of a library, in which there is
        nothing to mend.
    """

    def __init__(
        self,
        path: str,
        text: str,
        kind: str,
        tree: Optional[ast.Module] = None,
        error: str = "",
        error_line: int = 0,
        role: str = "",
        interface: str = "",
        discovered: bool = False,
        executable: bool = False,
        loaded: Optional[bool] = None,
        load_error: str = "",
        module: str = "",
        constants: Optional[Dict[str, List[ast.expr]]] = None,
        imports: Optional[Dict[str, str]] = None,
        functions: Optional[List[Function]] = None,
        calls: Optional[List[CallSite]] = None,
        uses: Optional[List[FlagUse]] = None,
        string_counts: Optional[Dict[str, int]] = None,
        classes: Optional[Dict[str, Any]] = None,
        imported: Optional[List[Tuple[str, Place, bool]]] = None,
        _lines: Optional[List[str]] = None,
    ) -> None:
        self.path = path
        self.text = text
        self.kind = kind
        self.tree = tree
        self.error = error
        self.error_line = error_line
        self.role = role
        self.interface = interface
        self.discovered = discovered
        self.executable = executable
        self.loaded = loaded
        self.load_error = load_error
        self.module = module
        self.constants: Dict[str, List[ast.expr]] = {} if constants is None else constants
        self.imports: Dict[str, str] = {} if imports is None else imports
        self.functions: List[Function] = [] if functions is None else functions
        self.calls: List[CallSite] = [] if calls is None else calls
        self.uses: List[FlagUse] = [] if uses is None else uses
        self.string_counts: Dict[str, int] = {} if string_counts is None else string_counts
        self.classes: Dict[str, Any] = {} if classes is None else classes
        self.imported: List[Tuple[str, Place, bool]] = [] if imported is None else imported
        self._lines: List[str] = [] if _lines is None else _lines

    @property
    def lines(self) -> List[str]:
        if not self._lines:
            self._lines = self.text.splitlines()
        return self._lines
