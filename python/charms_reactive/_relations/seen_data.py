"""What was last seen of an endpoint's relation data, and the keys whose values differ from it.

Each value is remembered by its hash, in the row
``reactive.data_changed.endpoint.ENDPOINT.RELATION.UNIT.KEY``. Data of applications has the application's
name in the unit's place, where 1.5.x neither looks nor writes.

In most hooks one unit of many has changed. So there is one more row for each endpoint,
``reactive.endpoints.seen.ENDPOINT``, with a digest of all that each unit had published: data is decoded and
compared key by key only where that differs. Only we know this row; who else writes or deletes hashes leaves
it behind. It is therefore believed only as long as the hashes are those beside which it was written, which
costs a tenth of reading them.
"""

from __future__ import annotations

import json
import marshal

from charms_reactive._juju import relation_data
from charms_reactive._unit_state import unit_state

# hashlib loads OpenSSL, which takes longer than all the hashing here.
try:
    from _md5 import md5  # type: ignore[import-not-found]
except ImportError:
    from hashlib import md5

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Collection, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

__all__ = ["changed_keys"]

# Equal to json.dumps(value, sort_keys=True), which makes a new encoder each time.
_encode = json.JSONEncoder(sort_keys=True).encode

# What a text that is JSON begins with: a value, or white space before it.
_BEGINS_JSON = frozenset('{["-0123456789tfnNI \t\n\r')


def changed_keys(
    endpoint_name: str, bags: Mapping[str, Dict[str, str]], related: Collection[str]
) -> List[str]:
    """The keys whose data differs from what was last seen, for each bag in order; remembers it.

    Args:
        endpoint_name: the endpoint's name.
        bags: the data that can be seen, by ``RELATION.UNIT.`` or ``RELATION.APPLICATION.``, its *place*.
        related: ids of the endpoint's relations. Whatever else was seen is forgotten, save what an
            application has published in one of these: it is not looked at in each hook.
    """
    prefix = "reactive.data_changed.endpoint.%s." % endpoint_name
    summary = "reactive.endpoints.seen.%s" % endpoint_name
    # Only the rows of relations: a charm may well have an id of its own beside them.
    hashes = "%s%s:" % (prefix, endpoint_name)
    unit = unit_state.unit

    now = {place: _digest(bag) for place, bag in bags.items()}
    noted = unit.get(summary)
    text = "" if noted is None else unit.joined(hashes)
    before = _believed(noted, text)
    if before is None:
        places = list(bags)
        stored = unit.getrange(prefix)
    else:
        places = [place for place in bags if now[place] != before.get(place)]
        unseen = [place for place in before if place not in bags]
        now.update({place: before[place] for place in unseen if _out_of_sight(place, related)})
        stored = {
            place + key: digest
            for place in places + [place for place in unseen if place not in now]
            for key, digest in unit.getrange(prefix + place).items()
        }

    changed: List[str] = []
    current: Dict[str, str] = {}
    replaced = []
    for place in places:
        for key, old, new in _changed_hashes(bags[place], place, stored):
            current[place + key] = new
            replaced.append((old, new))
            changed.append(key)
    gone = []
    for row in stored:  # what is left has not been met
        relation_id, _, rest = row.partition(".")
        owner, _, key = rest.partition(".")
        place = "%s.%s." % (relation_id, owner)
        if relation_id.partition(":")[0] != endpoint_name or not key:
            continue  # not a row of ours
        if place in bags:
            changed.append(key)
        elif _out_of_sight(place, related):
            now[place] = ""  # no digest is: to be compared when it is in sight
            continue
        gone.append(row)

    if current or gone or now != before:
        _update(prefix, current, gone)
        if now:
            after = None if gone or before is None else _with_replaced(text, replaced)
            stamp = _hash(unit.joined(hashes) if after is None else after)
            unit.set(summary, {"hashes": stamp, "data": now})
        elif noted is not None:
            unit.unset(summary)
    return changed


def _believed(noted: Any, text: str) -> Optional[Dict[str, str]]:
    """The digests that were noted, by place, if the hashes are still those of that time."""
    if not isinstance(noted, dict) or noted.get("hashes") != _hash(text):
        return None
    digests: Dict[str, str] = noted["data"]
    return digests


def _with_replaced(text: str, replaced: Iterable[Tuple[Any, str]]) -> Optional[str]:
    """The text of all hashes with these replaced; ``None`` if only reading them again can tell."""
    for old, new in replaced:
        if text.count('"%s"' % old) != 1:
            return None
        text = text.replace('"%s"' % old, '"%s"' % new)
    return text


def _out_of_sight(place: str, related: Collection[str]) -> bool:
    """Whether this is an application in one of these relations, rather than a unit that has left."""
    relation_id, _, owner = place[:-1].partition(".")
    return "/" not in owner and relation_id in related


def _update(prefix: str, current: Mapping[str, str], gone: Iterable[str]) -> None:
    """Write and delete rows below a prefix, in the open transaction."""
    for row, digest in current.items():
        unit_state.unit.set(prefix + row, digest)
    for row in gone:
        unit_state.unit.unset(prefix + row)


def _changed_hashes(
    bag: Mapping[str, Any], place: str, stored: Dict[str, Any]
) -> Iterator[Tuple[str, Any, str]]:
    """Each key whose value has another hash than the stored one, that one, and its own.

    Takes the rows of this place that it meets out of what is stored.

    The hash is that of :func:`~charms_reactive.helpers.data_changed`: md5 of the value as JSON with
    sorted keys. Most text is written so already, or is no JSON at all, and need not be decoded to be
    compared.
    """
    for key, text in bag.items():
        name = key if key.isascii() else _storable(key)
        before = stored.pop(place + name, None)
        if before is not None and isinstance(text, str) and text.isascii():
            if _hash(text) == before:
                continue
            if text[:1] not in _BEGINS_JSON and _hash(_encode(text)) == before:
                continue
        try:
            encoded = _encode(relation_data.decode(text))
        except RecursionError:  # it could be decoded and is too deep to be encoded again
            encoded = _encode(text)
        digest = _hash(encoded)
        if digest != before:
            yield name, before, digest


def _digest(bag: Dict[str, str]) -> str:
    # Format 2 gives each text with its length, and equal bytes for equal bags.
    digest: str = md5(marshal.dumps(bag, 2)).hexdigest()
    return digest


def _hash(text: str) -> str:
    digest: str = md5(text.encode("utf-8")).hexdigest()
    return digest


def _storable(key: str) -> str:
    """A key as a flag and a row can have it: neither can hold half of a surrogate pair."""
    try:
        key.encode("utf-8")
    except UnicodeEncodeError:
        return key.encode("utf-8", "backslashreplace").decode("utf-8")
    return key
