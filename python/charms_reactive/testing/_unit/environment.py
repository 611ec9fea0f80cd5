"""The environment of a hook: what Juju gives it, and nothing else.

Juju's agent hands on no variable of its own. A hook has what its context says, ``PATH``, and a few fixed
ones: no ``HOME``, no ``TMPDIR``, no ``TZ``, no ``PYTHONPATH``. Here a hook has two kinds of variables more,
which say nothing to a charm: the framework's own settings, and those by which coverage and debuggers follow a
test into the processes that it starts.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Dict, Mapping, Optional

from charms_reactive.testing.hooks import after_juju_3

__all__ = ["hook_environment", "search_path"]

#: By which tools of developers follow a test into other processes.
FOLLOWING = (
    "COVERAGE_PROCESS_CONFIG",
    "COVERAGE_PROCESS_START",
    "COV_CORE_CONFIG",
    "COV_CORE_DATAFILE",
    "COV_CORE_SOURCE",
    "PYTHONBREAKPOINT",
)

#: What the agent of a unit on Kubernetes hands on, as its pod has it.
_OF_A_POD = {
    "KUBERNETES_PORT": "tcp://10.152.183.1:443",
    "KUBERNETES_PORT_443_TCP": "tcp://10.152.183.1:443",
    "KUBERNETES_PORT_443_TCP_ADDR": "10.152.183.1",
    "KUBERNETES_PORT_443_TCP_PORT": "443",
    "KUBERNETES_PORT_443_TCP_PROTO": "tcp",
    "KUBERNETES_SERVICE_HOST": "10.152.183.1",
    "KUBERNETES_SERVICE_PORT": "443",
    "KUBERNETES_SERVICE_PORT_HTTPS": "443",
}

# Juju has them in every hook, whatever it knows.
_ALWAYS = {
    "APT_LISTCHANGES_FRONTEND": "none",
    "CLOUD_API_VERSION": "",
    "DEBIAN_FRONTEND": "noninteractive",
    "JUJU_AGENT_SOCKET_NETWORK": "unix",
    "JUJU_API_ADDRESSES": "127.0.0.1:17070",
    "JUJU_AVAILABILITY_ZONE": "simulated",
    "JUJU_CHARM_FTP_PROXY": "",
    "JUJU_CHARM_HTTPS_PROXY": "",
    "JUJU_CHARM_HTTP_PROXY": "",
    "JUJU_CHARM_NO_PROXY": "",
    "JUJU_MACHINE_ID": "0",
    "JUJU_PRINCIPAL_UNIT": "",
    "LANG": "C.UTF-8",
    "TERM": "tmux-256color",
}

_UNTIL_JUJU_3 = {"JUJU_METER_INFO": "not set", "JUJU_METER_STATUS": "AMBER", "JUJU_SLA": "unsupported"}


def hook_environment(
    *,
    juju_version: str,
    model_type: str,
    engine: Optional[str],
    context: Mapping[str, str],
    given: Mapping[str, str],
    search: str,
) -> Dict[str, str]:
    """All environment variables of a hook, but for those that its own kind has.

    Args:
        juju_version: for example ``3.6.0``.
        model_type: ``iaas`` or ``caas``.
        engine: of the framework, if one was asked for.
        context: what this unit and this hook have.
        given: what a test adds, or has otherwise.
        search: for ``PATH``.
    """
    environment = {
        # On the unit nobody may look; here somebody does.
        "CHARMS_REACTIVE_EVENT_ERRORS": "fail",
        "CHARMS_REACTIVE_HISTORY": "0",  # the charm directory is what a test compares
        "CHARMS_REACTIVE_OTLP": "0",  # whoever collects traces of units does not mean these
        **{
            name: value
            for name, value in os.environ.items()
            if name in FOLLOWING or name.startswith("CHARMS_REACTIVE_")
        },
        **_ALWAYS,
        **({} if after_juju_3(juju_version) else _UNTIL_JUJU_3),
        **({**_OF_A_POD, "JUJU_MACHINE_ID": ""} if model_type == "caas" else {}),
        **context,
    }
    if engine is not None:
        environment["CHARMS_REACTIVE_ENGINE"] = engine
    environment.update(given)
    environment["PATH"] = search
    return environment


def search_path(tools: Path, python: Path, given: Mapping[str, str]) -> str:
    """A hook's ``PATH``: the hook tools come first, as Juju has it, and then where its Python is.

    Args:
        tools: directory of the hook tools.
        python: the interpreter. It is not resolved: that of a virtual environment is itself a symbolic link.
        given: variables of a test, which may say what comes behind the tools.
    """
    if "PATH" in given:
        parts = [str(tools), given["PATH"]]
    else:
        parts = [str(tools), str(python.parent.absolute()), os.environ.get("PATH", os.defpath)]
    return os.pathsep.join(filter(None, parts))
