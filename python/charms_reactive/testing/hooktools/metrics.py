"""``add-metric``: a measurement, which only the hook ``collect-metrics`` makes."""

from __future__ import annotations

from .command import RefusedError, Request, UsageError, pairs, quoted


def add_metric(request: Request) -> None:
    """Measurements; they are kept even if the hook fails."""
    if not request.rest:
        raise UsageError("no metrics specified")
    try:
        given = pairs(request.rest, empty=False)
    except UsageError as error:
        raise UsageError("invalid metrics: %s" % error) from None
    try:
        text = request.option("labels")
        labels = pairs(text.split(",") if text else [], empty=False)
    except UsageError as error:
        raise UsageError("invalid labels: %s" % error) from None
    with request.change() as juju:
        for key, value in given.items():
            if key.startswith("juju"):
                raise RefusedError("%s uses a reserved prefix" % key)
            if request.hook == "meter-status-changed":
                raise RefusedError(
                    "cannot record metric: not implemented for restricted context not implemented"
                )
            if request.hook != "collect-metrics":
                raise RefusedError("cannot record metric: metrics not allowed in this context")
            if key not in juju["metrics-declared"]:
                raise RefusedError(
                    "cannot record metric: metric key %s not declared by the charm" % quoted(key)
                )
            _check(value)
        juju["metrics"] += [{"key": key, "labels": labels, "value": value} for key, value in given.items()]


def _check(value: str) -> None:
    if len(value) > 30:
        raise RefusedError("cannot record metric: metric value is too large")
    try:
        number = float(value)
    except ValueError:
        raise RefusedError(
            "cannot record metric: invalid value type: expected float, got %s" % quoted(value)
        ) from None
    if number < 0:
        raise RefusedError(
            "cannot record metric: invalid value: value must be greater or equal to zero, got %s" % value
        )
