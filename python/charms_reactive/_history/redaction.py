"""What looks secret in the state of a unit, and is not to leave it."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List

__all__ = ["Redaction"]

# Names of options and keys whose values are secret; as a word of the name or as its end.
_NAMES = re.compile(
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|credential|auth|api[-_.]?key|private[-_.]?key|ssh[-_.]?key|"
    r"(?:^|[-_.])key|cookie|session|salt|psk|licen[cs]e)s?(?:$|[-_.\d])",
    re.IGNORECASE,
)

# Values that are secret whatever they are called: keys, the password in an address, tokens.
_VALUES = re.compile(
    r"-----BEGIN [A-Z ]*(?:PRIVATE KEY|CERTIFICATE)"
    r"|[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"
    r"|\b(?:Bearer|Basic) [A-Za-z0-9+/=._-]{8,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\."
    r"|\b(?:AKIA|ASIA|ghp_|gho_|github_pat_|glpat-|xox[abp]-|sk-)[A-Za-z0-9_-]{10,}"
)
_LONG = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[A-Za-z0-9+/=_-]{24,}")

# What the framework keeps of values is a digest, from which nobody gets them back; and ids that must stay.
_DIGESTS = ("reactive.data_changed.", "reactive.files_", "reactive.endpoints.seen.", "reactive.shell.")

# Records, and for each class of them the fields that are for nobody to see; `records.py` writes both.
_RECORDS = "reactive.records."
_HIDDEN = "reactive.records_hidden."

# Of relation data, what Juju has put there.
_PLAIN = ("egress-subnets", "ingress-address", "private-address", "endpoint", "number", "application")


class Redaction:
    """Replaces what looks secret. Equal values become equal words, so that what compares them still does.

    Attributes:
        replaced: where something was, in words.
    """

    def __init__(self) -> None:
        self._words: Dict[str, str] = {}
        self.replaced: List[str] = []

    def state(self, state: Dict[str, Any]) -> Dict[str, Any]:
        """A state as ``State.to_json`` has it, without what looks secret in it."""
        found = dict(state)
        if "stored" in found:
            found["stored"] = self._records(found["stored"])
        for part in ("config", "leader_settings", "flag_values", "stored", "juju"):
            if part in found:
                found[part] = {
                    key: value if key.startswith(_DIGESTS) else self._value(key, value, "%s %s" % (part, key))
                    for key, value in found[part].items()
                }
        for name, text in found.get("files", {}).items():
            found["files"] = {**found["files"], name: self._file(name, text)}
        found["relations"] = [self._relation(one) for one in found.get("relations", [])]
        for secret in found.get("secrets", []):
            secret["revisions"] = {
                number: {key: self._word(str(value)) for key, value in content.items()}
                for number, content in secret.get("revisions", {}).items()
            }
        if not found["relations"]:
            del found["relations"]
        return found

    def values(self, values: Dict[str, Any]) -> Dict[str, Any]:
        """The parameters of an action, without what looks secret."""
        return {key: self._value(key, value, "parameter %s" % key) for key, value in values.items()}

    def _records(self, rows: Dict[str, Any]) -> Dict[str, Any]:
        """Rows, without what classes of records have marked as sensitive, whatever it looks like."""
        hidden = {row[len(_HIDDEN) :]: names for row, names in rows.items() if row.startswith(_HIDDEN)}
        found = {}
        for row, value in rows.items():
            name = row[len(_RECORDS) :].partition(".")[0] if row.startswith(_RECORDS) else ""
            if name in hidden and isinstance(value, dict):
                value = {
                    field: self._value(field, inner, "stored %s %s" % (row, field), True)
                    if field in hidden[name]
                    else inner
                    for field, inner in value.items()
                }
            found[row] = value
        return found

    def _file(self, name: str, text: Any) -> Any:
        """The options that charmhelpers has seen, as it keeps them."""
        try:
            options = json.loads(text)
        except (TypeError, ValueError):
            return text
        return json.dumps({key: self._value(key, value, "file %s" % name) for key, value in options.items()})

    def _relation(self, relation: Dict[str, Any]) -> Dict[str, Any]:
        where = "relation %s:%s" % (relation["endpoint"], relation.get("number"))
        return {
            key: value if key in _PLAIN else self._value(key, value, where) for key, value in relation.items()
        }

    def _value(self, name: str, value: Any, where: str, hidden: bool = False) -> Any:
        """A value, or what stands for it; those inside of mappings and lists one by one.

        Args:
            name: of the option, the key or the field.
            value: what may be secret.
            where: it stands, in words.
            hidden: whether it is secret whatever it looks like; what is inside of it is not named then.
        """
        if isinstance(value, dict):
            return {
                key: self._value(key, inner, where if hidden else "%s %s" % (where, key), hidden)
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [self._value(name, inner, where, hidden) for inner in value]
        secret = hidden or (bool(_NAMES.search(name)) and name not in _PLAIN)
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, (int, float)):
            if secret:
                self.replaced.append(where)
                return type(value)(0)
            return value
        if value and (secret or _looks_secret(value)):
            self.replaced.append(where)
            return self._word(value)
        return value

    def _word(self, value: str) -> str:
        return self._words.setdefault(value, "redacted-%d" % (len(self._words) + 1))


def _looks_secret(value: str) -> bool:
    """Whether a text has something secret in it, whatever it is called."""
    if _VALUES.search(value):
        return True
    found = _LONG.search(value)
    # A path or a name is long as well, and has neither upper and lower case nor many digits mixed.
    return bool(found) and _mixed(found.group(0))  # type: ignore[union-attr]


def _mixed(text: str) -> bool:
    if "/" in text and not any(mark in text for mark in "+="):
        return False
    digits = sum(one.isdigit() for one in text)
    is_hex = all(one in "0123456789abcdefABCDEF" for one in text)
    return (is_hex and digits >= 6) or (
        digits >= 3 and any(one.isupper() for one in text) and any(one.islower() for one in text)
    )
