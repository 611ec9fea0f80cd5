"""Pictures of the terminal for the README and the manual: what commands print on a unit that is in trouble.

``python tests/history/pictures.py`` plays the chapter's charm on a simulated unit, and writes docs/terminal.
``test_pictures.py`` plays it again, and compares what is printed with what the pictures show, but for times.
"""

from __future__ import annotations

import html
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Tuple

if __name__ == "__main__":  # as a script, it stands beside the packages that tests import
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "docs" / "terminal"

#: Each picture: its file, what it shows, and the commands that are typed.
SHOWN: Dict[str, Tuple[str, List[str]]] = {
    "history.svg": (
        "The last hooks of a unit, and what ran in the one that failed",
        ["charms.reactive history", "charms.reactive history -v -n 1"],
    ),
    "why.svg": (
        "Why a handler did not run, and who has changed a flag",
        ["charms.reactive why migrate", "charms.reactive why app.configured"],
    ),
}

_WIDE = 96

# Of rich's own drawing, without a font that would have to be fetched.
_SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img"
  aria-labelledby="title desc">
<title id="title">%s</title>
<desc id="desc">%s</desc>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px;
  line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def printed(directory: Path) -> Dict[str, str]:
    """What each picture has to show: the commands and what they print."""
    from documents import reading
    from test_debugging_chapter import Desk

    with reading("docs/history.md") as page:
        desk = Desk(page, directory)
        for block in page.blocks:
            page.tried(block)
    desk.type("juju config app port=80800")
    found = {}
    for name, (_, commands) in SHOWN.items():
        lines: List[str] = []
        for command in commands:
            lines += ["$ " + command, *desk.type("juju exec --unit app/0 -- " + command).splitlines(), ""]
        found[name] = "\n".join(lines).rstrip("\n")
    return found


def without_times(text: str) -> str:
    """The same wherever and however fast it ran."""
    text = re.sub(r"\s+", " ", re.sub(r"\b[\d.]+ (ms|s|min)\b", "TIME", text))
    return re.sub(r"(TIME ago|just now)", "WHEN", text)


def drawn(title: str, text: str) -> str:
    """The picture of a terminal."""
    import io

    from rich.console import Console
    from rich.text import Text

    console = Console(
        width=_WIDE, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for line in text.splitlines():
        shown = Text(line)
        shown.highlight_regex(r"^\$ .*", "bold bright_white")
        shown.highlight_regex(r"\b(?:FAILED|KILLED|failed)\b", "bold red")
        shown.highlight_regex(r"\b(?:is set|set) ", "green")
        shown.highlight_regex(r"\b(?:cleared|is not set|undone)\b", "yellow")
        shown.highlight_regex(r"reactive/[\w./-]+:\d+:\w+", "cyan")
        shown.highlight_regex(r"\b[\d.]+ (?:ms|s)\b|\bjust now\b", "bright_black")
        console.print(shown, soft_wrap=False)
    template = _SVG.replace("%s", "{title_here}", 1).replace("%s", "{text_here}", 1)
    template = template.replace("{title_here}", _safe(title)).replace("{text_here}", _safe(text))
    name = re.sub(r"\W+", "-", title.lower())[:20]
    return console.export_svg(title="app/0", code_format=template, unique_id=name)


def _safe(text: str) -> str:
    return html.escape(text, quote=False).replace("{", "{{").replace("}", "}}")


def main() -> int:
    """Write the pictures."""
    os.environ["CHARMS_REACTIVE_HISTORY"] = "50"
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        for name, text in printed(Path(directory)).items():
            (PICTURES / name).write_text(drawn(SHOWN[name][0], text), encoding="utf-8")
            print("docs/terminal/%s" % name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
