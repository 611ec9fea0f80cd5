#!/usr/bin/env python3
"""Write ``expected.yaml`` of the charms named, or of all; for use after ``make compat`` has passed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import scenario
import yaml


def main() -> None:
    for charm in scenario.charms():
        if sys.argv[1:] and charm.name not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as directory:
            seen = [scenario.summary(one) for one in scenario.play(charm, Path(directory) / "unit")]
        text = yaml.safe_dump(seen, sort_keys=False, width=110, allow_unicode=True)
        (charm / "expected.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
