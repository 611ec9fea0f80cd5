"""How Sphinx builds the manual: `make docs`. Nothing is fetched; a warning is an error."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from dataclasses import MISSING, fields
from types import ModuleType
from typing import Any, Iterator, Optional, Tuple

from docutils import nodes
from sphinx import addnodes
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging
from sphinx.util.inspect import stringify_signature

import charms_reactive
from charms_reactive import __version__
from charms_reactive.events import SystemEvent

logger = logging.getLogger(__name__)

project = "charms.reactive"
author = "the charms.reactive authors"
copyright = "the charms.reactive authors, Apache-2.0"  # noqa: A001 -- Sphinx's name for it
version = release = __version__
language = "en"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
exclude_patterns = ["_build"]

# -- Markdown ------------------------------------------------------------------------------------
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

# -- the reference -------------------------------------------------------------------------------
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"Units": "Units"}  # whose text is longer than the whole signature
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# References that lead nowhere are errors (--nitpicky), but for these.
nitpick_ignore_regex = [
    # Type variables: they say that two types are one, and are nothing to look up.
    (r"py:class", r"charms_reactive\..*\.[A-Z]"),
    (r"py:class", r"charms_reactive\.decorators\.Action"),
    (r"py:class", r"Units"),
    # A handler of changes is known by anything that can be in a set.
    (r"py:class", r"Key"),
    # What a class of records knows of itself is no business of those who write one.
    (r"py:class", r"charms_reactive\._records\.record_model\.RecordModel"),
    # Unions with a name; the text of the argument says what is meant.
    (
        r"py:class",
        r"(charms_reactive\.status\.)?AnyStatus|Filename|charms_reactive\.testing\._unit\.disk\.Rows",
    ),
    # What only the framework hands to the constructors of Context, BoundEvent and ModelRelation.
    (
        r"py:class",
        r"charms_reactive\.(status\._Juju|_events\.event_registry\.Registry|testing\._model\.application\.End)",
    ),
    # The common base of RequesterEndpoint and ResponderEndpoint.
    (r"py:class", r"charms_reactive\.patterns\.request_response\._RequestEndpoint"),
]

# -- how it looks --------------------------------------------------------------------------------
html_theme = "furo"
html_theme_options = {
    "light_css_variables": {"color-api-name": "#0a4fa3", "color-api-pre-name": "#4a5566"},
    "dark_css_variables": {"color-api-name": "#7db7ff", "color-api-pre-name": "#a9b4c4"},
}
html_title = "charms.reactive %s" % release
html_static_path = ["_static"]
html_css_files = ["manual.css"]
html_copy_source = False
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "monokai"

# A session is copied without its prompts and without what it prints.
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True
copybutton_remove_prompts = True


# -- types ---------------------------------------------------------------------------------------
def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(charms_reactive.__path__, "charms_reactive."):
        yield importlib.import_module(found.name)
    yield importlib.import_module("pytest_charms_reactive")


def _import_for_types(module: ModuleType) -> None:
    """Run what stands below `if TYPE_CHECKING`, which a hook does without and a reader wants to follow."""
    if not str(module.__file__).endswith(".py"):
        return
    with open(str(module.__file__), encoding="utf-8") as file:
        tree = ast.parse(file.read())
    for node in tree.body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            body = [part for part in node.body if not _is_overload(part)]
            exec(compile(ast.Module(body, []), str(module.__file__), "exec"), vars(module))


def _is_overload(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef)


def _import_all_for_types() -> None:
    """One module after the other, those last that want what another one has below `if TYPE_CHECKING`."""
    waiting = list(_modules())
    while waiting:
        failed = []
        for module in waiting:
            try:
                _import_for_types(module)
            except ImportError as error:
                if error.name != "charms_reactive._engine._native":  # only there where there was Rust
                    failed.append((module, error))
        if len(failed) == len(waiting):
            raise failed[0][1]
        waiting = [module for module, _ in failed]


_import_all_for_types()


# -- references to Python's own library ----------------------------------------------------------
def _in_python(_app: Any, _env: Any, node: Any, content: Any) -> Optional[Any]:
    """A link for what Python's library has; its inventory would have to be fetched."""
    target = node.get("reftarget", "")
    module = target.rpartition(".")[0]
    while module and module.partition(".")[0] in sys.stdlib_module_names:
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is not None:
            page = "https://docs.python.org/3/library/%s.html#%s" % (module, target)
            return nodes.reference("", "", content, internal=False, refuri=page)
        module = module.rpartition(".")[0]
    return None


# -- signatures ----------------------------------------------------------------------------------
# Classes of which a reader never makes an object: what they are made from is of no use to anybody.
MADE_BY_US = {
    "charms.reactive.events.BoundEvent",
    "charms.reactive.events.PostRecordCreate",
    "charms.reactive.events.PostRecordDelete",
    "charms.reactive.events.PostRecordUpdate",
    "charms.reactive.events.PreRecordCreate",
    "charms.reactive.events.PreRecordDelete",
    "charms.reactive.events.PreRecordUpdate",
    "charms.reactive.status.Context",
    "charms_reactive.testing.ActionOutcome",
    "charms_reactive.testing.Application",
    "charms_reactive.testing.EndpointSpec",
    "charms_reactive.testing.Handlers",
    "charms_reactive.testing.HookRun",
    "charms_reactive.testing.LogEntry",
    "charms_reactive.testing.ModelRelation",
    "charms_reactive.testing.ModelUnit",
    "charms_reactive.testing.Outcome",
    "charms_reactive.testing.Record",
    "charms_reactive.testing.Settled",
    "charms_reactive.testing.Step",
    "charms_reactive.testing.ToolCall",
    "charms_reactive.testing.explain.Condition",
    "charms_reactive.testing.explain.Declared",
}

# Decorators that are written without parentheses.
BARE_DECORATORS = {"charms.reactive.only_once"}

Signature = Tuple[str, str]


def _readable(
    _app: Any, what: str, name: str, thing: Any, _options: Any, shown: Optional[str], returned: Optional[str]
) -> Optional[Signature]:
    """A signature as a reader writes the call."""
    if what == "decorator":
        # Sphinx shows no parameters where there is only one; and what a decorator returns is known.
        if name in BARE_DECORATORS:
            return "", ""
        return stringify_signature(inspect.signature(thing), show_return_annotation=False), ""
    if what == "class" and (name in MADE_BY_US or issubclass(thing, SystemEvent)):
        return "", ""
    if shown and "<factory>" in shown:
        made = iter([field for field in fields(thing) if field.init and field.default_factory is not MISSING])
        return re.sub("<factory>", lambda _: repr(next(made).default_factory()), shown), returned or ""
    return None


def _without_overloads() -> None:
    """Of functions that have them for type checkers, where one signature says more to a reader."""
    analyzer = ModuleAnalyzer.for_module("charms_reactive.decorators")
    analyzer.analyze()
    for name in BARE_DECORATORS:
        del analyzer.overloads[name.rpartition(".")[2]]


def _look_at_signatures(_app: Any, doctree: Any) -> None:
    """One that cannot be read is a warning, and so ends the build."""
    for signature in doctree.findall(addnodes.desc_signature):
        name = "%s.%s" % (signature.get("module"), signature.get("fullname"))
        shows_parameters = signature.next_node(addnodes.desc_parameterlist)
        if signature.astext().startswith("@") and name not in BARE_DECORATORS and not shows_parameters:
            # Sphinx leaves out empty parentheses, with which these are written.
            signature.insert(2, addnodes.desc_parameterlist())
        if re.search(r"<\w|~| at 0x|\bfactory\b", signature.astext()):
            logger.warning("this signature cannot be read: %s", signature.astext(), location=signature)


# -- tables --------------------------------------------------------------------------------------
def _label_cells(_app: Any, doctree: Any, _name: str) -> None:
    """Put the head of its column into each cell: on a phone, manual.css shows the cells below one another."""
    for table in doctree.findall(nodes.tgroup):
        heads = [entry.astext() for entry in table.findall(nodes.entry) if _is_head(entry)]
        for row in (row for body in table.findall(nodes.tbody) for row in body.findall(nodes.row)):
            for index, cell in enumerate(row.children):
                if not cell.children:
                    cell["classes"].append("nothing")
                elif index and heads and heads[index]:  # the first one is what the others are about
                    label = nodes.inline("", heads[index], classes=["column"])
                    cell.insert(0, nodes.paragraph("", "", label))


def _is_head(entry: Any) -> bool:
    return isinstance(entry.parent.parent, nodes.thead)


def setup(app: Any) -> None:
    _without_overloads()
    app.connect("missing-reference", _in_python)
    app.connect("autodoc-process-signature", _readable)
    app.connect("doctree-read", _look_at_signatures)
    app.connect("doctree-resolved", _label_cells)
