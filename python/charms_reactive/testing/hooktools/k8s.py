"""``k8s-spec-*`` and ``k8s-raw-*``: the workload of a charm on Kubernetes.

``pod-spec-*`` are older names of ``k8s-spec-*``.
"""

from __future__ import annotations

from .command import RefusedError, Request

TYPE_CHECKING = False  # As typing has it, without the cost of importing typing.
if TYPE_CHECKING:
    from .side import Juju


def _check_model(request: Request, juju: Juju) -> None:
    if juju["model"]["type"] != "caas":
        raise RefusedError(
            '%s is for charms on Kubernetes; the model of this unit has the type "%s"'
            % (request.tool, juju["model"]["type"])
        )


def _get(request: Request, kind: str) -> None:
    """What was set before this hook."""
    request.done()
    juju = request.read()
    _check_model(request, juju)
    request.output.append(juju["k8s"][kind])


def _set(request: Request, kind: str, name: str) -> None:
    """Keep a specification for when the hook has succeeded."""
    request.done()
    text = request.content(request.option("file", "-")).decode("utf-8", "surrogateescape")
    if not text:
        raise RefusedError(
            "no %s specified: pipe %s to command, or specify a file with --file" % (name, name)
        )
    if request.option("k8s-resources"):
        text += request.content(request.option("k8s-resources")).decode("utf-8", "surrogateescape")
    with request.change() as juju:
        _check_model(request, juju)
        if not juju["leader"]:
            raise RefusedError("this unit is not the leader")
        pending = juju["pending"]["k8s"]
        if pending and kind not in pending:
            # Juju would find out when the hook has ended, and fail it.
            raise RefusedError(
                "either k8s-spec-set or k8s-raw-set can be run for each application, but not both"
            )
        pending[kind] = text


def k8s_spec_get(request: Request) -> None:
    """What ``k8s-spec-set`` has set, in an earlier hook."""
    _get(request, "spec")


def k8s_spec_set(request: Request) -> None:
    """The specification of the pods of the application."""
    _set(request, "spec", "k8s spec")


def k8s_raw_get(request: Request) -> None:
    """What ``k8s-raw-set`` has set, in an earlier hook."""
    _get(request, "raw")


def k8s_raw_set(request: Request) -> None:
    """Resources in Kubernetes' own words."""
    _set(request, "raw", "k8s raw spec")


pod_spec_get = k8s_spec_get
pod_spec_set = k8s_spec_set
