"""Secrets: added, changed and granted when the hook has succeeded, and read by whoever is allowed to.

Who owns a secret manages it; the leader does for the application. Everybody reads the revision that his unit
tracks: the one that was the latest when it first read, until it asks to ``--refresh``.
"""

from __future__ import annotations

import os
import re
import time
from base64 import b64decode, b64encode

from .command import RefusedError, Request, UsageError, quoted
from .juju_side import new_secret, numbers
from .numerals import parsed
from .relations import is_application, is_unit, relation_id
from .values import Plain, Struct

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional

    from .side import Juju

    Secrets = Dict[str, Any]

#: Days between rotations.
ROTATIONS = {
    "never": 0.0,
    "hourly": 1 / 24,
    "daily": 1.0,
    "weekly": 7.0,
    "monthly": 30.0,
    "quarterly": 91.0,
    "yearly": 365.0,
}

_URI = re.compile(r"(?:secret:(?://)?)?(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/)?([0-9a-z]{20})")
_KEY = re.compile(r"[a-z](?:-?[a-z0-9]){2,}")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_LETTER = re.compile(r"[A-Za-z0-9+/]")
_BASE64 = "#base64"
_FILE = "#file"


# -- the changes of a hook --------------------------------------------------------------------------
def apply(secrets: Secrets, change: List[Any]) -> None:
    """Make one change that was pending.

    Args:
        secrets: by id; changed.
        change: ``["add", id, secret]``, ``["set", id, {"content", "label", ...}]``, ``["remove", id,
            revision or None]``, ``["grant", id, access]``, ``["revoke", id, target]`` or
            ``["track", id, unit]``, which is to track the latest revision.
    """
    what, identity, detail = change
    if what == "add":
        secrets[identity] = detail
        return
    secret = secrets.get(identity)
    if secret is None:
        return
    if what == "set":
        _set(secret, detail)
    elif what == "remove":
        if detail is not None:
            secret["revisions"].pop(str(detail), None)
        if detail is None or not secret["revisions"]:
            del secrets[identity]
    elif what == "grant":
        secret["access"].append(detail)
    elif what == "revoke":
        secret["access"] = [access for access in secret["access"] if access["target"] != detail]
    elif what == "track":
        secret["consumers"].setdefault(detail, {"label": ""})["revision"] = secret["latest"]


def _set(secret: Dict[str, Any], values: Dict[str, Any]) -> None:
    content = values.get("content")
    # The same content again is no new revision.
    if content and secret["revisions"].get(str(secret["latest"])) != content:
        secret["latest"] += 1
        secret["revisions"][str(secret["latest"])] = content
    for key in ("description", "expires", "label", "rotate", "rotates"):
        if key in values:
            secret[key] = values[key]


def _now(juju: Juju) -> Secrets:
    """The secrets with what this hook has changed."""
    there: Secrets = juju["secrets"]
    pending = juju["pending"]["secrets"]
    if not pending:
        return there
    from copy import deepcopy

    there, pending = deepcopy((there, pending))
    for change in pending:
        apply(there, change)
    return there


# -- who may ----------------------------------------------------------------------------------------
def _application(juju: Juju) -> str:
    application: str = juju["unit"].partition("/")[0]
    return application


def _owned(juju: Juju, secret: Dict[str, Any]) -> bool:
    """Whether it is the unit's, or its application's."""
    return secret["owner"] in (juju["unit"], _application(juju))


def _managed(juju: Juju) -> Secrets:
    """The secrets that the unit manages, with what this hook has changed."""
    mine = [juju["unit"]] + ([_application(juju)] if juju["leader"] else [])
    return {identity: secret for identity, secret in _now(juju).items() if secret["owner"] in mine}


def _to_manage(juju: Juju, identity: str) -> Dict[str, Any]:
    """A secret that the unit is about to change."""
    secret: Optional[Dict[str, Any]] = _now(juju).get(identity)
    if secret is None:
        raise RefusedError("secret %s not found" % quoted("secret:" + identity))
    if not _owned(juju, secret):
        raise RefusedError("permission denied")
    if secret["owner"] != juju["unit"] and not juju["leader"]:
        raise RefusedError("this unit is not the leader")
    return secret


def _uri(text: str) -> str:
    """The id in the URI of a secret."""
    found = _URI.fullmatch(text)
    if found is None:
        raise UsageError("secret URI %s not valid" % quoted(text))
    return found.group(1)


def _first_uri(request: Request) -> str:
    if not request.rest:
        raise UsageError("missing secret URI")
    return _uri(request.first())


# -- content ----------------------------------------------------------------------------------------
def _content(request: Request) -> Dict[str, str]:
    """The content that a command line gives; what is in a file goes before what is in arguments.

    Base64 is kept as it was given where it is none, or not written as usual: nobody looks at it before it is
    read.
    """
    given: Dict[str, str] = {}
    for word in request.rest:
        # What ends with "=" may be base64, so the last of these are not what parts key and value.
        if word.rstrip("=").find("=") < 1:
            raise UsageError("key value %s not valid" % quoted(word))
        key, _, value = word.partition("=")
        if key.endswith(_FILE):
            key = key[: -len(_FILE)]
            try:
                value = _read_file(value).decode("utf-8", "surrogateescape")
            except UsageError as error:
                raise UsageError("reading content for secret key %s: %s" % (quoted(key), error)) from None
        given[key] = value
    content = _decoded(given)
    if request.option("file"):
        data = _read_file(request.option("file"))
        try:
            content.update(_decoded(request.mapping(data)))
        except RefusedError as error:
            raise UsageError(str(error)) from None
    return content


def _decoded(given: Mapping[str, str]) -> Dict[str, str]:
    content: Dict[str, str] = {}
    for name, value in given.items():
        key = name[: -len(_BASE64)] if name.endswith(_BASE64) else name
        if not _KEY.fullmatch(key):
            raise UsageError("key %s not valid" % quoted(key))
        if key != name:
            text = _plain(value)
            content.pop(key + _BASE64, None)
            if text is None:
                content[key + _BASE64] = value
                continue
            value = text
        content[key] = value
    return content


def _plain(value: str) -> Optional[str]:
    """What base64 stands for; ``None`` if it is none, or would not be written in just this way."""
    try:
        data = b64decode(value.encode("utf-8", "surrogateescape"), validate=True)
    except ValueError:
        return None
    return data.decode("utf-8", "surrogateescape") if b64encode(data).decode("ascii") == value else None


def _read_file(name: str) -> bytes:
    """A file that a command line names. It is the agent that reads it, wherever the hook is."""
    path = os.path.expanduser(name) if name[:1] == "~" else name
    try:
        with open(os.path.join(os.sep, path), "rb") as file:
            return file.read()
    except OSError as error:
        raise UsageError("open %s: %s" % (path, (error.strerror or "").lower())) from None


def _clear(content: Mapping[str, str]) -> Dict[str, str]:
    """What a reader sees of a content.

    Raises:
        RefusedError: there is something that was to be base64 and is not.
    """
    clear: Dict[str, str] = {}
    for name, value in sorted(content.items()):
        if not name.endswith(_BASE64):
            clear[name] = value
            continue
        try:
            data = b64decode(value.encode("utf-8", "surrogateescape"), validate=True)
        except ValueError:
            at = next((at for at, one in enumerate(value) if not _LETTER.fullmatch(one)), len(value))
            raise RefusedError("illegal base64 data at input byte %d" % at) from None
        clear[name[: -len(_BASE64)]] = data.decode("utf-8", "surrogateescape")
    return clear


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _expiry(text: str) -> str:
    """When a secret expires, given as a time or as a duration."""
    from datetime import datetime, timezone

    for form in ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S"):
        try:
            at = datetime.strptime(text, form)
        except ValueError:
            continue
        return _stamp(at.replace(tzinfo=at.tzinfo or timezone.utc).timestamp())
    parts = _DURATION.findall(text)
    if not parts or "".join([number + unit for number, unit in parts]) != text.lstrip("+-"):
        raise UsageError("expire time or duration %s not valid" % quoted(text))
    seconds = sum([float(number) * _SECONDS[unit] for number, unit in parts])
    if text.startswith("-") or seconds <= 0:
        raise UsageError("negative expire duration %s not valid" % quoted(text))
    return _stamp(time.time() + seconds)


def _details(request: Request) -> Dict[str, Any]:
    """What ``secret-add`` and ``secret-set`` say of a secret besides its content."""
    details: Dict[str, Any] = {}
    if request.option("expire"):
        details["expires"] = _expiry(request.option("expire"))
    rotate = request.option("rotate")
    if rotate:
        if rotate not in ROTATIONS:
            raise UsageError("rotate policy %s not valid" % quoted(rotate))
        details["rotate"] = rotate
        days = ROTATIONS[rotate]
        details["rotates"] = _stamp(time.time() + days * 86400) if days else ""
    for key in ("description", "label"):
        if request.option(key):
            details[key] = request.option(key)
    if request.option("owner", "application") not in ("application", "unit"):
        raise UsageError("secret owner %s not valid" % quoted(request.option("owner")))
    return details


def _check_label(juju: Juju, label: str, owner: str, identity: str = "") -> None:
    """Refuse a label that the owner has given to another secret."""
    for other, secret in _now(juju).items():
        if label and other != identity and secret["owner"] == owner and secret["label"] == label:
            raise RefusedError("secret with label %s already exists" % quoted(label))


def _new_id(juju: Juju) -> str:
    """An id of the form that Juju's have, always the same for the n-th secret of a unit."""
    from hashlib import sha256

    seed = "%s %s %d" % (juju["model"]["uuid"], juju["unit"], juju["secrets-made"])
    number = int.from_bytes(sha256(seed.encode("utf-8")).digest()[:12], "big") << 4
    digits = "0123456789abcdefghijklmnopqrstuv"
    return "".join([digits[number >> shift & 31] for shift in range(95, -1, -5)])


# -- the tools --------------------------------------------------------------------------------------
def secret_add(request: Request) -> None:
    """A new secret, of the application or of the unit; prints its URI."""
    if not request.rest and not request.option("file"):
        raise UsageError("missing secret value or filename")
    details = _details(request)
    content = _content(request)
    if not content:
        raise RefusedError("empty secret value not valid")
    with request.change() as juju:
        owner = juju["unit"] if request.option("owner") == "unit" else _application(juju)
        if owner != juju["unit"] and not juju["leader"]:
            raise RefusedError("this unit is not the leader")
        _check_label(juju, details.get("label", ""), owner)
        juju["secrets-made"] += 1
        identity = _new_id(juju)
        juju["pending"]["secrets"].append(["add", identity, new_secret(owner, content, **details)])
    request.output.append("secret:%s\n" % identity)


def secret_set(request: Request) -> None:
    """New content of a secret, or something else about it."""
    identity = _first_uri(request)
    details = _details(request)
    content = _content(request)
    with request.change() as juju:
        secret = _to_manage(juju, identity)
        _check_label(juju, details.get("label", ""), secret["owner"], identity)
        if content:
            details["content"] = content
        juju["pending"]["secrets"].append(["set", identity, details])


def secret_remove(request: Request) -> None:
    """Remove a secret, or one revision of it."""
    identity = _first_uri(request)
    request.done()
    number = parsed(request.option("revision", "0"))[0]
    revision = number if number > 0 else None
    with request.change() as juju:
        secret = _to_manage(juju, identity)
        if revision is not None and str(revision) not in secret["revisions"]:
            raise RefusedError(
                "secret revision %d for %s not found" % (revision, quoted("secret:" + identity))
            )
        juju["pending"]["secrets"].append(["remove", identity, revision])


def secret_grant(request: Request) -> None:
    """Let the other application of a relation, or one unit of it, read a secret."""
    identity = _first_uri(request)
    unit = request.option("unit")
    with request.change() as juju:
        relation = relation_id(request, juju)
        request.done()
        application = juju["relations"][relation]["application"]
        if unit and not is_unit(unit):
            raise UsageError("unit %s not valid" % quoted(unit))
        if unit and unit.partition("/")[0] != application:
            raise UsageError(
                "cannot specify unit %s in relation to application %s" % (quoted(unit), quoted(application))
            )
        target = unit or application
        for access in _to_manage(juju, identity)["access"]:
            if access["relation"] != relation:
                continue
            if access["target"] in (target, application):
                return
            if target == application:
                raise RefusedError(
                    "any unit level grants need to be revoked before granting access to the corresponding "
                    "application"
                )
        grant = {"relation": relation, "target": target}
        juju["pending"]["secrets"].append(["grant", identity, grant])


def secret_revoke(request: Request) -> None:
    """Take that back."""
    identity = _first_uri(request)
    application, unit = request.option("application"), request.option("unit")
    if application and not is_application(application):
        raise UsageError("application %s not valid" % quoted(application))
    if unit and not is_unit(unit):
        raise UsageError("unit %s not valid" % quoted(unit))
    if application and unit:
        raise UsageError("specify only one of application or unit")
    with request.change() as juju:
        relation = relation_id(request, juju, required=False)
        if relation:
            if application:
                raise UsageError("do not specify both relation and app")
            application = juju["relations"][relation]["application"]
        if not application and not unit:
            raise UsageError("missing relation or application or unit")
        request.done()
        _to_manage(juju, identity)
        juju["pending"]["secrets"].append(["revoke", identity, unit or application])


def secret_ids(request: Request) -> None:
    """The ids of the secrets that the unit manages."""
    request.done()
    found = sorted(_managed(request.read()))
    # Juju prints the nothing that Go has for an empty list.
    request.answer(None if not found and request.option("format") == "json" else found)


def secret_info_get(request: Request) -> None:
    """What is known of a secret that the unit manages, but for its content."""
    identity = _uri(request.first()) if request.rest else ""
    label = request.option("label")
    if not identity and not label:
        raise UsageError("require either a secret URI or label")
    if identity and label:
        raise UsageError("specify either a secret URI or label but not both")
    request.done()
    juju = request.read()
    for known, secret in sorted(_managed(juju).items()):
        if identity == known or (label and secret["label"] == label):
            request.answer({known: _described(juju, secret)})
            return
    raise RefusedError("secret %s not found" % quoted(identity or label))


def _described(juju: Juju, secret: Dict[str, Any]) -> Struct:
    """The metadata of a secret, in Juju's order."""
    shown = Struct(revision=secret["latest"], label=secret["label"])
    shown["owner"] = "unit" if "/" in secret["owner"] else "application"
    if secret["description"]:
        shown["description"] = secret["description"]
    shown["rotation"] = secret["rotate"]
    if secret["expires"]:
        shown["expiry"] = Plain(secret["expires"])
    if secret["rotates"]:
        shown["rotates"] = Plain(secret["rotates"])
    if secret["access"]:
        shown["access"] = [
            Struct(target=_tag(access["target"]), scope=_scope(juju, access["relation"]), role="view")
            for access in secret["access"]
        ]
    return shown


def _scope(juju: Juju, identity: str) -> str:
    """The tag of a relation, which names its ends; the one that requires goes first."""
    endpoint = identity.partition(":")[0]
    own = "%s.%s" % (_application(juju), endpoint)
    relation = juju["relations"].get(identity, {})
    role = juju["endpoints"].get(endpoint, "provides")
    if role == "peers" or not relation:
        return "relation-" + own
    other = "%s.%s" % (relation["application"], relation.get("remote-endpoint") or endpoint)
    return "relation-%s#%s" % ((own, other) if role == "requires" else (other, own))


def _tag(name: str) -> str:
    return "unit-" + name.replace("/", "-") if "/" in name else "application-" + name


def secret_get(request: Request) -> None:
    """The content of a secret, or one value of it."""
    identity = _uri(request.first()) if request.rest else ""
    label = request.option("label")
    if not identity and not label:
        raise UsageError("require either a secret URI or label")
    if request.flag("peek") and request.flag("refresh"):
        raise UsageError("specify one of --peek or --refresh but not both")
    key = request.first()
    request.done()
    with request.change() as juju:
        content = _read(juju, request, identity, label)
    clear = _clear(content)
    if not key:
        request.answer(clear)
        return
    name = key[: -len(_BASE64)] if key.endswith(_BASE64) else key
    if name not in clear:
        # The revision is tracked all the same.
        raise RefusedError("secret key value %s not found" % quoted(name))
    if name == key:
        request.answer(clear[name])
        return
    shown = content.get(name + _BASE64)
    if shown is None:
        shown = b64encode(clear[name].encode("utf-8", "surrogateescape")).decode("ascii")
    request.answer(shown)


def _read(juju: Juju, request: Request, identity: str, label: str) -> Dict[str, str]:
    """The content that the unit reads; what it tracks, and the label that it gives, are kept at once."""
    unit = juju["unit"]
    now = _now(juju)
    identity = identity or _labelled(juju, now, label)
    secret = now.get(identity)
    if secret is None:
        raise RefusedError("secret %s not found" % quoted("secret:" + identity))
    owned = _owned(juju, secret)
    if not owned and not _granted(juju, secret):
        raise RefusedError("permission denied")
    kept = juju["secrets"].get(identity)
    if kept is None:
        # It was added by this very hook, so there is but one revision, which nobody tracks yet.
        if label:
            juju["pending"]["secrets"].append(["set", identity, {"label": label}])
        return _revision(secret, secret["latest"], identity)
    peek, refresh = request.flag("peek"), request.flag("refresh")
    if owned and _tracks_latest(juju["juju-version"]):
        refresh = True
    consumer: Optional[Dict[str, Any]] = kept["consumers"].get(unit)
    if consumer is None or "revision" not in consumer:
        consumer = kept["consumers"][unit] = {"label": "", "revision": kept["latest"]}
        revision = secret["latest"] if peek or refresh else kept["latest"]
    else:
        revision = secret["latest"] if peek or refresh else consumer["revision"]
    if refresh:
        consumer["revision"] = kept["latest"]
        if secret["latest"] != kept["latest"]:
            juju["pending"]["secrets"].append(["track", identity, unit])
    if label and not owned:
        consumer["label"] = label
    elif label and (secret["owner"] == unit or juju["leader"]):
        kept["label"] = label
    return _revision(secret, revision, identity)


def _tracks_latest(version: str) -> bool:
    """Whether owners always read the latest revision, as they did before 3.1.7 and in 3.2 to 3.3.0."""
    juju = numbers(version)
    return not ((3, 1, 7) <= juju < (3, 2) or juju >= (3, 3, 1))


def _labelled(juju: Juju, secrets: Secrets, label: str) -> str:
    """The id of the secret that has this label: the owner's, or the one that this unit has given."""
    for identity, secret in sorted(secrets.items()):
        if secret["label"] == label and _owned(juju, secret):
            return identity
    for identity, secret in sorted(secrets.items()):
        if secret["consumers"].get(juju["unit"], {}).get("label") == label:
            return identity
    raise RefusedError("consumer label %s not found" % quoted(label))


def _granted(juju: Juju, secret: Mapping[str, Any]) -> bool:
    """Whether somebody else's secret may be read."""
    may = (juju["unit"], _application(juju))
    return any(access["target"] in may for access in secret["access"])


def _revision(secret: Mapping[str, Any], number: int, identity: str) -> Dict[str, str]:
    content: Optional[Dict[str, str]] = secret["revisions"].get(str(number))
    if content is None:
        raise RefusedError("secret revision %d for %s not found" % (number, quoted("secret:" + identity)))
    return content
