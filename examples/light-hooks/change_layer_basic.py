"""Changes a checkout of layer:basic: ``change_layer_basic.py lib/charms/layer/basic.py``, then ``git diff``.

It then needs nothing of setuptools in the system's Python, and goes on in the charm's environment at once if
that is there and this hook does not make it anew.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

#: In place of what it imports of setuptools.
VERSIONS = '''\
class LooseVersion:
    """The version of a package, compared part by part."""

    def __init__(self, text):
        self._text = text

    def __str__(self):
        return self._text

    def __gt__(self, other):
        return self._parts() > other._parts()

    def _parts(self):
        parts = re.findall(r'\\d+|[a-z]+', self._text)
        return [(part.isdigit(), int(part) if part.isdigit() else 0, part)
                for part in parts]
'''

#: At the beginning of what every hook calls.
AT_ONCE = """\
    # Once the environment is there, go on in it before anything else.
    vbin = os.path.abspath('../.venv/bin')
    vpy = os.path.join(vbin, 'python')
    if (os.path.exists('wheelhouse/.bootstrapped') and os.path.exists(vpy) and
            '.venv' not in sys.executable and
            os.path.basename(sys.argv[0]) not in ('upgrade-charm',
                                                  'post-series-upgrade')):
        os.environ['PATH'] = ':'.join([vbin, os.environ['PATH']])
        reload_interpreter(vpy)
"""

#: In place of the functions of these names.
FUNCTIONS = {
    "_load_installed_versions": """\
def _load_installed_versions(pip):
    lines = check_output([pip, 'freeze']).decode('utf8').splitlines()
    pairs = [line.split('==') for line in lines]
    return {pair[0]: LooseVersion(pair[1]) for pair in pairs if len(pair) == 2}
""",
    "install_or_update_charm_env": """\
def install_or_update_charm_env():
    def version(path):
        try:
            text = check_output([path, '--version']).decode('utf8')
        except (CalledProcessError, FileNotFoundError):
            return []
        return [int(number) for number in re.findall(r'\\d+', text)]

    if version('/usr/local/sbin/charm-env') < version('bin/charm-env'):
        shutil.copy2('bin/charm-env', '/usr/local/sbin/')
""",
}


def changed(source: str) -> str:
    """The source of ``charms.layer.basic`` with the changes.

    Raises:
        ValueError: it has not what is to be changed, and may be changed already.
    """
    edits: List[Tuple[int, int, str]] = []  # from this line up to that one, the first being 0
    functions: Dict[str, str] = dict(FUNCTIONS)
    imports: List[ast.ImportFrom] = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ImportFrom) and node.module in ("distutils.version", "pkg_resources"):
            imports.append(node)
            edits.append((node.lineno - 1, int(node.end_lineno or 0), ""))
        elif isinstance(node, ast.FunctionDef) and node.name in functions:
            edits.append((node.lineno - 1, int(node.end_lineno or 0), functions.pop(node.name)))
        elif isinstance(node, ast.FunctionDef) and node.name == "bootstrap_charm_deps":
            first = node.body[1] if ast.get_docstring(node) else node.body[0]
            edits.append((node.lineno - 1, node.lineno - 1, VERSIONS + "\n\n"))
            docstring = int(node.body[0].end_lineno or 0) if first is not node.body[0] else node.lineno
            edits.append((docstring, docstring, AT_ONCE))
    if functions or len(imports) != 2 or len(edits) != 6:
        missing = sorted(functions) or ["the two imports, or bootstrap_charm_deps()"]
        raise ValueError("this is not layer:basic's basic.py, or it is changed: no %s" % ", ".join(missing))
    lines = source.splitlines(keepends=True)
    for begin, end, text in sorted(edits, reverse=True):
        lines[begin:end] = [text]
    return "".join(lines)


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1:
        print("usage: change_layer_basic.py lib/charms/layer/basic.py", file=sys.stderr)
        return 2
    path = Path(arguments[0])
    try:
        path.write_text(changed(path.read_text(encoding="utf-8")), encoding="utf-8")
    except (OSError, ValueError) as error:
        print("error: %s: %s" % (path, error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
