"""How Sphinx builds the manual: `make docs`. Nothing is fetched; a warning is an error."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import pkgutil
import sys
from types import ModuleType
from typing import Any, Iterator, Optional

import charms_reactive
from charms_reactive import __version__

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
    from docutils.nodes import reference

    target = node.get("reftarget", "")
    module = target.rpartition(".")[0]
    while module and module.partition(".")[0] in sys.stdlib_module_names:
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is not None:
            page = "https://docs.python.org/3/library/%s.html#%s" % (module, target)
            return reference("", "", content, internal=False, refuri=page)
        module = module.rpartition(".")[0]
    return None


def setup(app: Any) -> None:
    app.connect("missing-reference", _in_python)
