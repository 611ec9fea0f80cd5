"""The encoding in which the agent is asked: beside Go's own, and whatever else may come."""

from __future__ import annotations

import io
import random
import subprocess
import tracemalloc
from pathlib import Path
from typing import Any, Dict, List

import pytest

from charms_reactive._juju.gob import CALL, COMMAND, NOTHING, RESULT, RETURNED, Decoder, Encoder, GobError

from .support import Go

VECTORS = Path(__file__).with_name("vectors.txt")


def vectors() -> Dict[str, bytes]:
    lines = (line.split() for line in VECTORS.read_text().splitlines())
    return {name: bytes.fromhex(digits) for name, digits in lines}


def decoder(data: bytes) -> Decoder:
    stream = io.BytesIO(data)

    def take(size: int) -> bytes:
        found = stream.read(size)
        if len(found) < size:
            raise EOFError
        return found

    return Decoder(take)


def decoded(data: bytes) -> List[Dict[str, Any]]:
    """Every value in some bytes."""
    reader, found = decoder(data), []
    try:
        while True:
            found.append(reader.decode())
    except EOFError:
        return found


def header(sequence: int, **more: bytes) -> Dict[str, Any]:
    return {"ServiceMethod": b"Jujuc.Main", "Seq": sequence, **more}


@pytest.mark.once
def test_the_vectors_are_what_go_makes(go: Go) -> None:
    made = subprocess.run([str(go.vectors)], stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    kept = VECTORS.read_text().splitlines()
    assert made == kept


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("result", [header(1), {"Stdout": b"80\n"}]),
        ("code", [header(128), {"Code": -1, "Stdout": b"\x00\xff", "Stderr": b"e" * 300}]),
        ("error", [header(70000, Error="bad request: ä".encode()), {}]),
        ("nothing", [{}, {}]),
        ("twice", [header(1), {"Code": 2, "Stderr": b"a"}, header(2), {"Code": 1, "Stdout": b"b"}]),
    ],
)
def test_what_go_encodes_is_decoded(name: str, values: List[Dict[str, Any]]) -> None:
    assert decoded(vectors()[name]) == values


def test_what_a_newer_agent_adds_is_skipped() -> None:
    _, newer = decoded(vectors()["newer"])
    assert newer["Code"] == -(1 << 63)
    assert newer["Most"] == (1 << 64) - 1
    assert (newer["Stdout"], newer["Stderr"], newer["Warnings"]) == (b"out", b"e", [b"old", b""])
    assert newer["Inside"] == {"Three": [0, 0, 0], "Code": 9}
    skipped = ("Spent", "Labels", "Began", "Any", "Wave")
    assert [newer[name] for name in skipped] == [None] * len(skipped)


def test_what_is_encoded_is_decoded() -> None:
    command = {
        "ContextId": b"app/0-start-1",
        "Dir": b"/",
        "CommandName": b"relation-set",
        "Args": [b"a=b", b"", b"\x00\xff"],
        "StdinSet": True,
        "Stdin": b"x" * 70000,
    }
    encoder = Encoder()
    sent = encoder.encode(CALL, header(1)) + encoder.encode(COMMAND, command)
    again = encoder.encode(CALL, header(300)) + encoder.encode(COMMAND, {**command, "Stdin": b""})
    assert len(again) < 100  # the definitions go once
    expected = {**command, "StdinSet": 1}
    without = {name: value for name, value in expected.items() if name != "Stdin"}
    assert decoded(sent + again) == [header(1), expected, header(300), without]
    encoder = Encoder()
    result = {"Code": -2, "Stdout": b"o", "Stderr": b"e"}
    sent = encoder.encode(RETURNED, header(1, Error=b"no")) + encoder.encode(NOTHING, {})
    sent += encoder.encode(RETURNED, header(2)) + encoder.encode(RESULT, result)
    assert decoded(sent) == [header(1, Error=b"no"), {}, header(2), result]


@pytest.mark.parametrize(
    ("digits", "reason"),
    [
        ("02ff81", "ends too early"),
        ("0282ff", "type 65"),
        ("03028000", "no struct|bytes"),
        ("fc40000001", "a message of"),
        ("f000", "a length of 16 bytes"),
        ("03f70001", "a number of 9 bytes"),
        ("0401ff8101", "bytes too many|not of one kind"),
    ],
)
def test_what_is_not_gob_is_refused(digits: str, reason: str) -> None:
    with pytest.raises(GobError):
        decoder(bytes.fromhex(digits) + b"\x00" * 20).decode()


def test_a_type_within_itself_has_a_bottom() -> None:
    """A list of lists of lists: legal to define, and no value of it may go down for ever."""
    # Type 66 is a list of type 66, and 65 a struct with a field of it.
    of_lists = bytes.fromhex("0cff83020102ff840001ff840000")
    struct = bytes.fromhex("14ff81030102ff8200010101014101ff84000000")
    struct = bytes((len(struct) - 1,)) + struct[1:]
    of_lists = bytes((len(of_lists) - 1,)) + of_lists[1:]
    value = b"\xff\x82\x01" + b"\x01" * 1000 + b"\x00\x00"
    message = b"\xfe" + len(value).to_bytes(2, "big") + value
    with pytest.raises(GobError, match="in more than 64 others"):
        decoder(of_lists + struct + message).decode()


def test_whatever_comes_is_decoded_or_refused(seeds: List[int]) -> None:
    """Random bytes, and what Go has made with some bytes changed: nothing else is raised, and it ends."""
    known = list(vectors().values())
    taken = 0
    for seed in seeds:
        chance = random.Random(seed)
        for round_ in range(10000):
            if round_ % 4:
                data = bytearray(chance.choice(known))
                for _ in range(chance.randint(1, 4)):
                    data[chance.randrange(len(data))] = chance.randrange(256)
                if round_ % 4 == 1:
                    del data[chance.randrange(len(data)) :]
            else:
                data = bytearray(chance.randrange(256) for _ in range(chance.randrange(64)))
            reader = decoder(bytes(data))
            try:
                while True:
                    reader.decode()
                    taken += 1
            except (GobError, EOFError):
                pass
    assert taken > 1000


def test_what_is_announced_takes_no_room() -> None:
    encoder = Encoder()
    encoder.encode(COMMAND, {})
    number = 1 << 22
    # A list of four million empty words, each of which would be an object here.
    value = b"\xff\x84\x04" + b"\xfd" + number.to_bytes(3, "big") + b"\x00" * number + b"\x00"
    message = COMMAND.definition + b"\xfc" + len(value).to_bytes(4, "big") + value
    tracemalloc.start()
    try:
        with pytest.raises(GobError, match="more than 262144 values"):
            decoder(message).decode()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 << 20
