# A namespace that layers share: charms.layer, charms.apt, charms.leadership and others live beside us.
# This is what pkgutil.extend_path does; importing pkgutil would cost a hook as much as our own modules.
import os as _os
import sys as _sys

for _entry in _sys.path:
    if not isinstance(_entry, str):
        continue
    _portion = _os.path.join(_entry, __name__)
    if _portion not in __path__ and _os.path.isdir(_portion):
        __path__.append(_portion)

if "JUJU_CONTEXT_ID" in _os.environ:  # A hook: what charms import next is made lighter.
    import charms_reactive_start as _start  # noqa: F401
