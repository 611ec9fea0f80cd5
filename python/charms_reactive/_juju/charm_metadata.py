"""What is wrong with the charm's metadata, where hookenv has failed on them.

hookenv takes the file for what it should be, and fails with whatever comes of it. So nothing is checked
beforehand, which would cost each hook; the file is looked at when something has failed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

__all__ = ["problem_of"]

_ROLES = ("requires", "provides", "peers")


def problem_of(path: str) -> Optional[str]:
    """What is wrong with a file of metadata, in words; ``None`` if nothing is."""
    import yaml

    try:
        with open(path, "rb") as file:
            metadata = yaml.safe_load(file)
    except OSError as error:
        return "it cannot be read: %s" % error.strerror
    except (yaml.YAMLError, ValueError) as error:
        return "it is not YAML: %s" % " ".join(str(error).split())
    if not isinstance(metadata, dict):
        return "a mapping with the name of the charm is needed here, and not %s" % _kind(metadata)
    for role in _ROLES:
        endpoints = metadata.get(role)
        if endpoints is not None and not isinstance(endpoints, dict):
            return "%s: a mapping of endpoints is needed here, and not %s" % (role, _kind(endpoints))
        for name, spec in (endpoints or {}).items():
            problem = _problem_of_endpoint(name, spec)
            if problem:
                return "%s: %s" % (role, problem)
    return None


def _problem_of_endpoint(name: object, spec: object) -> Optional[str]:
    if not isinstance(name, str):
        return "the name of an endpoint is text, and not %s: write '%s' in quotes" % (_kind(name), name)
    if isinstance(spec, str):
        # Juju knows this short form, and charmhelpers does not.
        return "endpoint %s: write its interface as {interface: %s}" % (name, spec)
    if not isinstance(spec, dict):
        return "endpoint %s: a mapping such as {interface: NAME} is needed here, and not %s" % (
            name,
            _kind(spec),
        )
    if not isinstance(spec.get("interface"), str):
        return "endpoint %s: it needs the name of an interface, as text" % name
    return None


def _kind(value: object) -> str:
    names = {type(None): "nothing", bool: "a boolean", int: "a number", float: "a number", str: "text"}
    return names.get(type(value), "a list" if isinstance(value, list) else "a " + type(value).__name__)
