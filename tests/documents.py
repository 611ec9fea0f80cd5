"""Documents whose code is run: the blocks of a Markdown file, in the order in which a reader meets them.

The convention, which :meth:`Page.walk` follows:

- A block below a line that is only a file's name in backquotes is that file; below the same name again it
  is more of the file. Where the line ends with ``, in full``, it takes the place of what the file was.
- A ``console`` block is a session: lines that begin with ``$`` are run, what follows is what they print.
  ``...`` stands for any text.
- ``python`` blocks without a name are run, all of a page as one module. What one prints is shown in the
  ``text`` block below it.
- ``yaml``, ``json``, ``toml`` and ``ini`` without a name are parsed. Any other ``text`` is only looked at.
- ``sh`` is for what would run this very test: each line is a target of the Makefile, and may have a comment.

A page whose blocks need more than that has a test of its own, which takes them from :func:`reading`.
``test_documents.py`` sees to it that each page of the project has one or the other.
"""

from __future__ import annotations

import configparser
import contextlib
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

_NAME = re.compile(r"`([\w./-]+)`(, in full)?:?")
_FENCE = re.compile(r"(`{3,}|~{3,})(.*)")

# Variables of a test's own surroundings, which nobody who reads has.
_NOT_A_READERS = ("PYTEST_", "JUJU_", "CHARM_DIR", "UNIT_STATE_DB")

# What only Sphinx reads.
_DIRECTIVE = re.compile(r"\{[\w-]+\}")


class DocumentError(AssertionError):
    """A document does not do what it says; the message names it and the line."""


@dataclass(frozen=True)
class Block:
    """One block of code.

    Attributes:
        language: as the document says.
        text: of the block.
        line: of the document, where it begins.
        file: that it is, or is a part of.
        anew: it takes the place of what the file was.
    """

    language: str
    text: str
    line: int
    file: Optional[str] = None
    anew: bool = False

    @property
    def commands(self) -> Iterator[Tuple[str, str]]:
        """The commands of a session, and what each prints."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output


def blocks(document: Path) -> List[Block]:
    """The blocks of a document, in order; those of Sphinx's directives are none."""
    found: List[Block] = []
    above = ""
    fence = language = ""
    lines: List[str] = []
    for number, line in enumerate(document.read_text(encoding="utf-8").splitlines(), 1):
        opening = _FENCE.fullmatch(line)
        if not fence and opening:
            fence, language, lines, start = opening.group(1), opening.group(2).strip(), [], number + 1
        elif fence and line == fence:
            named = _NAME.fullmatch(above)
            text = "\n".join(lines) + "\n"
            if not _DIRECTIVE.match(language):
                file, anew = named.groups() if named else (None, None)
                found.append(Block(language, text, start, file, bool(anew)))
            fence = above = ""
        elif fence:
            lines.append(line)
        elif line.strip():
            above = line.strip()
    if fence:
        raise ValueError("%s:%d: the block has no end" % (document, start))
    return found


def pages() -> List[str]:
    """Every document of the project that shows code, by its name from the root.

    Reports that a script has written, below ``packaging`` and ``benches``, are no documents in this sense.
    """
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return sorted(
        page.relative_to(ROOT).as_posix()
        for page in found
        if "_build" not in page.parts
        and any(block.language != "text" or block.file for block in blocks(page))
    )


class Page:
    """A document while it is being tried; it knows which of its blocks have been.

    Args:
        name: of the document, from the root of the project.

    Attributes:
        blocks: of the document, in order.
    """

    def __init__(self, name: str) -> None:
        self.path = ROOT / name
        self.blocks = blocks(self.path)
        self._tried: Dict[int, Block] = {}
        self._printed = ""

    def of(self, language: str) -> List[Block]:
        """The blocks of a language that are no files."""
        return [block for block in self.blocks if block.language == language and block.file is None]

    @property
    def untried(self) -> List[Block]:
        """The blocks that were neither run nor written nor parsed; ``text`` needs nothing of that."""
        return [
            block
            for block in self.blocks
            if block.line not in self._tried and (block.language != "text" or block.file)
        ]

    def place(self, block: Block) -> str:
        """Where a block stands, as messages name it."""
        return "%s:%d" % (self.path.relative_to(ROOT), block.line)

    # -- one block -------------------------------------------------------------------------------
    def tried(self, block: Block) -> None:
        """Note that a test has done with a block what there is to do."""
        self._tried[block.line] = block

    def write(self, block: Block, directory: Path) -> Path:
        """Write a block that is a file, or the next part of it."""
        if block.file is None:
            raise DocumentError("%s: no file is named above the block" % self.place(block))
        path = directory / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        known = [other for other in self._tried.values() if other.file == block.file]
        before = path.read_text(encoding="utf-8") + "\n\n" if known and not block.anew else ""
        path.write_text(before + block.text, encoding="utf-8")
        if path.read_text(encoding="utf-8").startswith("#!"):
            path.chmod(0o755)
        self.tried(block)
        return path

    def session(self, block: Block, directory: Path, environment: Mapping[str, str]) -> None:
        """Run the commands of a session, and compare what they print."""
        for command, shown in block.commands:
            done = run(command, directory, **environment)
            if not same(shown, done.stdout):
                raise DocumentError("%s: %s printed\n%s" % (self.place(block), command, done.stdout))
            if done.returncode and not shown.strip():
                raise DocumentError("%s: %s failed and said nothing" % (self.place(block), command))
        self.tried(block)

    def execute(self, block: Block, names: Dict[str, Any]) -> None:
        """Run Python; what it prints is compared with the ``text`` that has to follow."""
        code = compile("\n" * (block.line - 1) + block.text, str(self.path), "exec")
        with contextlib.redirect_stdout(io.StringIO()) as output:
            exec(code, names)
        printed, follows = output.getvalue(), self._next(block)
        shows = "print(" in block.text and follows is not None and follows.language == "text"
        if printed or shows:
            if follows is None or follows.language != "text":
                raise DocumentError("%s printed what is not shown:\n%s" % (self.place(block), printed))
            shown = follows.text
            if printed != shown and not ("..." in shown and same(shown, printed)):
                raise DocumentError("%s printed\n%s" % (self.place(block), printed))
        self.tried(block)

    def parse(self, block: Block) -> Any:
        """Parse a block of data; returns what it says."""
        if block.language not in _PARSERS:
            raise DocumentError(
                "%s: nothing is known of a block of %r: name its file on the line above, make it a console "
                "session, or call it text" % (self.place(block), block.language)
            )
        data = _PARSERS[block.language](block.text)
        self.tried(block)
        return data

    def _next(self, block: Block) -> Optional[Block]:
        later = [other for other in self.blocks if other.line > block.line]
        return later[0] if later else None

    # -- all of them -----------------------------------------------------------------------------
    def walk(
        self,
        directory: Path,
        monkeypatch: pytest.MonkeyPatch,
        *,
        given: Optional[Mapping[str, Any]] = None,
        environment: Optional[Mapping[str, str]] = None,
        brief: Tuple[str, ...] = (),
    ) -> None:
        """Do with each block what the convention says.

        Args:
            directory: where files are written and code runs.
            monkeypatch: of the test, for what a page changes in this process.
            given: what the Python of the page finds beside itself, by name.
            environment: variables of its sessions.
            brief: files that are there only for the Python or the session that comes next.

        Raises:
            DocumentError: a block does not do what the page says.
        """
        module = ModuleType("manual_" + re.sub(r"\W", "_", self.path.stem))
        vars(module).update(given or {})
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.chdir(directory)
        present: List[Path] = []
        for block in self.blocks:
            if block.file is not None:
                path = self.write(block, directory)
                present += [path] if block.file in brief else []
                continue
            if block.language == "console":
                self.session(block, directory, environment or {})
            elif block.language == "python":
                self.execute(block, vars(module))
            elif block.language == "text":
                continue
            else:
                self.parse(block)
                continue
            while present:
                present.pop().unlink()


@contextlib.contextmanager
def reading(name: str) -> Iterator[Page]:
    """A page whose blocks must all have been tried in the end.

    Args:
        name: of the document, from the root of the project.

    Raises:
        DocumentError: a block was not.
    """
    page = Page(name)
    yield page
    if page.untried:
        raise DocumentError("nothing has tried %s" % ", ".join(map(page.place, page.untried)))


def _parse_toml(text: str) -> Any:
    try:
        import tomllib
    except ImportError:  # before CPython 3.11; pytest brings this one there
        import tomli as tomllib
    return tomllib.loads(text)


def _parse_ini(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string(text)
    return parser


def _parse_targets(text: str) -> List[str]:
    """The targets of the Makefile that a block names; ValueError where there is no such target."""
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    named = []
    for line in text.splitlines():
        command = re.fullmatch(r"make ([a-z-]+)(?: +#.*)?", line)
        if command is None or command.group(1) not in targets:
            raise ValueError("%r is no target of the Makefile, which has %s" % (line, ", ".join(targets)))
        named.append(command.group(1))
    return named


_PARSERS: Dict[str, Callable[[str], Any]] = {
    "yaml": yaml.safe_load,
    "json": json.loads,
    "toml": _parse_toml,
    "ini": _parse_ini,
    "sh": _parse_targets,
}


def same(shown: str, printed: str) -> bool:
    """Whether a command printed what a document shows, whatever the white space and however long it took."""
    pattern = re.escape(" ".join(shown.split())).replace(r"\.\.\.", ".*")
    pattern = re.sub(r"\d+(\\\.\d+)?(\\ )?m?s\b", r"[\\d.]+ ?m?s", pattern)
    return re.fullmatch(pattern, " ".join(printed.split())) is not None


def run(command: str, directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader would, in whose environment the package is installed."""
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(_NOT_A_READERS)}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=directory,
        env={**inherited, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
