"""The pictures of the terminal show what is printed, and can be read by those who cannot see them."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from . import pictures

pytestmark = pytest.mark.once

SVG = "{http://www.w3.org/2000/svg}"


def test_pictures_show_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARMS_REACTIVE_HISTORY", "50")
    for name, text in pictures.printed(tmp_path).items():
        drawing = ET.parse(str(pictures.PICTURES / name)).getroot()
        told = drawing.findtext(SVG + "desc") or ""
        assert pictures.without_times(told) == pictures.without_times(text), (
            "docs/terminal/%s is old: python tests/history/pictures.py" % name
        )
        shown = "".join("".join(one.itertext()) for one in drawing.iter(SVG + "text")).replace("\xa0", " ")
        for word in re.findall(r"[\w./:-]{6,}", told):
            assert word in shown.replace("\n", ""), "%s: %s is not drawn" % (name, word)


@pytest.mark.parametrize("name", sorted(pictures.SHOWN))
def test_a_picture_fetches_nothing_and_is_shown(name: str) -> None:
    text = (pictures.PICTURES / name).read_text(encoding="utf-8")
    assert re.findall(r"https?://[^\"\s]+", text) == ["http://www.w3.org/2000/svg"]
    assert 'url("http' not in text
    readme = (pictures.ROOT / "README.md").read_text(encoding="utf-8")
    assert "![%s](docs/terminal/%s)" % (pictures.SHOWN[name][0], name) in readme


def test_what_is_drawn_is_what_is_given() -> None:
    drawing = pictures.drawn("A title & more", "$ command\na {line} <of> text FAILED")
    root = ET.fromstring(drawing)
    assert root.findtext(SVG + "title") == "A title & more"
    assert root.findtext(SVG + "desc") == "$ command\na {line} <of> text FAILED"
    assert html.escape("{line}") in "".join("".join(one.itertext()) for one in root.iter(SVG + "text"))
