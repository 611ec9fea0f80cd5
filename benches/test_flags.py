"""Flags, timed by pytest-benchmark: rows 4 and 5 of the table."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from workloads import flag_name, prepare


@pytest.mark.parametrize("transaction", [True, False], ids=["in a transaction", "outside"])
def test_is_flag_set(benchmark: Any, transaction: bool) -> None:
    """One flag of 1,000."""
    reactive = prepare(1000)
    from charmhelpers.core import unitdata

    if transaction:
        unitdata.kv().set("bench.scratch", 1)
    assert unitdata.kv().conn.in_transaction is transaction
    assert benchmark(reactive.is_flag_set, flag_name(500))


def test_name_in_set(benchmark: Any) -> None:
    """What is_flag_set is compared with; ``__contains__`` as a call, since the above is one."""
    names = {flag_name(number) for number in range(1000)}
    assert benchmark(names.__contains__, flag_name(500))


def test_set_flag(benchmark: Any) -> None:
    """A new flag where 100,000 are set."""
    reactive = prepare(100_000)
    from charmhelpers.core import unitdata

    unitdata.kv().set("bench.scratch", 1)
    numbers = count()
    benchmark.pedantic(
        reactive.set_flag, setup=lambda: (("bench.new.%d" % next(numbers),), {}), rounds=2000, warmup_rounds=1
    )
    assert reactive.is_flag_set("bench.new.%d" % (next(numbers) - 1))


def test_kv_set(benchmark: Any) -> None:
    """What set_flag is compared with: a new key of the unit state where 100,000 flags are set."""
    prepare(100_000)
    from charmhelpers.core import unitdata

    unitdata.kv().set("bench.scratch", 1)
    numbers = count()

    def set_key(key: str) -> None:
        unitdata.kv().set(key, None)

    benchmark.pedantic(
        set_key, setup=lambda: (("reactive.bench.%d" % next(numbers),), {}), rounds=2000, warmup_rounds=1
    )
    assert unitdata.kv().get("reactive.bench.%d" % (next(numbers) - 1), "absent") is None
