"""Hooks that are killed in every way leave nothing between before and after; the long run is ``kills.py``."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import List

import pytest

from .kills import PLACES, Killing, summary

pytestmark = pytest.mark.once

KILLS = int(os.environ.get("CHARMS_REACTIVE_KILLS", "300"))


def test_killed_in_every_way(
    engine_name: str, engine_count: int, tmp_path: Path, seeds: List[int], capsys: pytest.CaptureFixture[str]
) -> None:
    killing = Killing(tmp_path, engine_name, random.Random(seeds[-1]))
    done = killing.run(max(12, KILLS // 6 // engine_count))
    with capsys.disabled():
        print("\nseed %d, %s" % (seeds[-1], summary(done)))
    assert {one.outcome for one in done} <= {"before", "after"}
    assert set(killing.places) <= set(PLACES)
    assert any(one.outcome == "before" for one in done)
