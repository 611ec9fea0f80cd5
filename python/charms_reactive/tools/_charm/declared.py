"""What a charm, a layer or an interface layer declares in its files of YAML, each name with its line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import yaml

from .model import Place

__all__ = ["ROLES", "Declared", "Endpoint", "declared_in"]

ROLES = ("requires", "provides", "peers")


class Endpoint(NamedTuple):
    """An endpoint as the metadata declare it."""

    name: str
    role: str
    interface: str
    place: Place


class Declared:
    """What stands in the files.

    Attributes:
        root: the directory.
        kind: ``charm``, ``layer`` or ``interface``.
        name: of the charm, or of the interface; else of the directory.
        built: it was put together by ``charm build``, so that nothing of it is elsewhere.
        metadata: all of ``metadata.yaml``.
        endpoints: by name.
        options, actions, storages, resources, containers: the names, each with its place.
        files: which of the files of YAML are there.
        includes: what ``layer.yaml`` includes, each with its place.
        errors: what is wrong with the files as such.
    """

    def __init__(
        self,
        root: Path,
        kind: str = "charm",
        name: str = "",
        built: bool = False,
        metadata: Optional[Dict[str, Any]] = None,
        endpoints: Optional[Dict[str, Endpoint]] = None,
        options: Optional[Dict[str, Place]] = None,
        option_types: Optional[Dict[str, str]] = None,
        actions: Optional[Dict[str, Place]] = None,
        storages: Optional[Dict[str, Place]] = None,
        resources: Optional[Dict[str, Place]] = None,
        containers: Optional[Dict[str, Place]] = None,
        files: Optional[Dict[str, str]] = None,
        includes: Optional[List[Tuple[str, Place]]] = None,
        layer_options: Optional[Dict[str, Any]] = None,
        errors: Optional[List[Tuple[Place, str]]] = None,
    ) -> None:
        self.root = root
        self.kind = kind
        self.name = name
        self.built = built
        self.metadata: Dict[str, Any] = {} if metadata is None else metadata
        self.endpoints: Dict[str, Endpoint] = {} if endpoints is None else endpoints
        self.options: Dict[str, Place] = {} if options is None else options
        self.option_types: Dict[str, str] = {} if option_types is None else option_types
        self.actions: Dict[str, Place] = {} if actions is None else actions
        self.storages: Dict[str, Place] = {} if storages is None else storages
        self.resources: Dict[str, Place] = {} if resources is None else resources
        self.containers: Dict[str, Place] = {} if containers is None else containers
        self.files: Dict[str, str] = {} if files is None else files
        self.includes: List[Tuple[str, Place]] = [] if includes is None else includes
        self.layer_options: Dict[str, Any] = {} if layer_options is None else layer_options
        self.errors: List[Tuple[Place, str]] = [] if errors is None else errors

    def endpoints_of(self, interface: str, role: str) -> List[str]:
        """The endpoints that a module of an interface layer serves; ``*`` is a module of all roles."""
        return [
            one.name
            for one in self.endpoints.values()
            if one.interface == interface and role in ("*", one.role)
        ]


def declared_in(root: Path) -> Declared:
    """Read the files of a directory; what is wrong with one is told and not raised."""
    found = Declared(root)
    whole = _read(found, "charmcraft.yaml")
    metadata = _read(found, "metadata.yaml")
    layer = _read(found, "layer.yaml")
    interface = _read(found, "interface.yaml")
    if metadata is None and whole is not None and not _is_of_charm(whole[0]):
        whole = None
    source = metadata or whole
    if source is not None:
        values, node, _ = source
        found.metadata = values
        _metadata(found, values, node, "metadata.yaml" if metadata else "charmcraft.yaml")
    _options(found, _read(found, "config.yaml") or _part(whole, "config"))
    _actions(found, _read(found, "actions.yaml") or _part(whole, "actions"))
    if layer is not None:
        _layer(found, layer[0], layer[1])
    if source is None or "name" not in found.metadata:
        found.kind = "layer" if layer is not None or interface is None else "interface"
        if interface is not None and not any(
            (root / name).is_dir() for name in ("reactive", "hooks/reactive", "hooks/relations")
        ):
            found.kind = "interface"
            found.name = str(interface[0].get("name") or "")
    found.name = found.name or str(found.metadata.get("name") or root.name)
    found.built = (root / ".build.manifest").exists() or (root / ".composer").exists()
    if not found.built and (root / "wheelhouse").is_dir() and (root / "lib/charms/layer").is_dir():
        found.built = True
    return found


# -- the files --------------------------------------------------------------------------------------
_Parsed = Tuple[Dict[str, Any], Any, str]
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _read(found: Declared, name: str) -> Optional[_Parsed]:
    path = found.root / name
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        found.errors.append(
            (Place(name, 0), "cannot be read: %s" % (getattr(error, "strerror", None) or error))
        )
        return None
    found.files[name] = text
    loader = _LOADER(text)
    try:
        node = loader.get_single_node()
        values = loader.construct_document(node) if node is not None else {}
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        found.errors.append(
            (Place(name, line), "is not YAML: %s" % (getattr(error, "problem", None) or error))
        )
        return None
    finally:
        loader.dispose()
    if values is None:
        return {}, node, name
    if not isinstance(values, dict):
        found.errors.append((Place(name, 1), "is not a mapping"))
        return None
    return values, node, name


def _part(whole: Optional[_Parsed], key: str) -> Optional[_Parsed]:
    if whole is None or not isinstance(whole[0].get(key), dict):
        return None
    return whole[0][key], _below(whole[1], key), whole[2]


def _is_of_charm(values: Dict[str, Any]) -> bool:
    return "name" in values and any(key in values for key in (*ROLES, "summary", "description"))


def _below(node: Any, *keys: str) -> Any:
    """The node below these keys; ``None`` if there is none."""
    for wanted in keys:
        if not isinstance(node, yaml.MappingNode):
            return None
        node = next((value for key, value in node.value if getattr(key, "value", None) == wanted), None)
    return node


def _places(node: Any, file: str) -> Dict[str, Place]:
    """The keys of a mapping, each with its place."""
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {
        str(key.value): Place(
            file, key.start_mark.line + 1, key.start_mark.column + 1, key.end_mark.column + 1
        )
        for key, _ in node.value
        if isinstance(key, yaml.ScalarNode)
    }


def _metadata(found: Declared, values: Dict[str, Any], node: Any, file: str) -> None:
    for role in ROLES:
        declared = values.get(role)
        if declared is None:
            continue
        places = _places(_below(node, role), file)
        if not isinstance(declared, dict):
            found.errors.append((Place(file, 1), "has no mapping below %s" % role))
            continue
        for name, spec in declared.items():
            spec = {"interface": spec} if isinstance(spec, str) else spec
            place = places.get(str(name), Place(file, 1))
            if not isinstance(spec, dict):
                found.errors.append((place, "has no {interface: NAME} below the endpoint %s" % name))
                continue
            found.endpoints[str(name)] = Endpoint(str(name), role, str(spec.get("interface", "")), place)
    found.storages = _places(_below(node, "storage"), file)
    found.resources = _places(_below(node, "resources"), file)
    found.containers = _places(_below(node, "containers"), file)


def _options(found: Declared, parsed: Optional[_Parsed]) -> None:
    if parsed is None:
        return
    values, node, file = parsed
    found.options = _places(_below(node, "options"), file)
    options = values.get("options")
    for name, spec in (options if isinstance(options, dict) else {}).items():
        if isinstance(spec, dict):
            found.option_types[str(name)] = str(spec.get("type", "string"))


def _actions(found: Declared, parsed: Optional[_Parsed]) -> None:
    if parsed is not None:
        found.actions = _places(parsed[1], parsed[2])
        found.actions.pop("additionalProperties", None)


def _layer(found: Declared, values: Dict[str, Any], node: Any) -> None:
    includes = values.get("includes") or []
    listed = _below(node, "includes")
    nodes = listed.value if isinstance(listed, yaml.SequenceNode) else []
    for number, name in enumerate(includes if isinstance(includes, list) else []):
        place = Place("layer.yaml", 1)
        if number < len(nodes):
            mark, end = nodes[number].start_mark, nodes[number].end_mark
            place = Place("layer.yaml", mark.line + 1, mark.column + 1, end.column + 1)
        found.includes.append((str(name), place))
    options = values.get("options")
    found.layer_options = options if isinstance(options, dict) else {}


def charm_root(given: str) -> Path:
    """The directory to read: the given one, or ``src`` in it where a project keeps its charm there."""
    root = Path(os.path.abspath(given))
    if not any((root / name).exists() for name in _CODE) and any(
        (root / "src" / name).exists() for name in _CODE
    ):
        return root / "src"
    return root


_CODE = ("layer.yaml", "interface.yaml", "reactive", "hooks/reactive", "hooks/relations", "dispatch")
