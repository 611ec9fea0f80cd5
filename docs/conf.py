"""How Sphinx builds the manual: `make docs`. Nothing is fetched; a warning is an error."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any, Optional

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

# -- how it looks --------------------------------------------------------------------------------
html_theme = "furo"
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
