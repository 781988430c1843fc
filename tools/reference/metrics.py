"""The page of metrics: what the reconciler counts, from the instruments themselves."""

from prometheus_client import Counter, Gauge, Histogram

from reconciler import metrics
from tools.reference.markdown import code, table

_INTRODUCTION = """\
# Metrics

What `/metrics` of a reconciler says, on the port of `MOORING_HEALTH_PORT`, in Prometheus' text
format; beside it the usual `process_*`. What to alert on is in the
[guide](../guide/observing.md).

No label names an account, a resource or a server, so the number of series is bounded by this page:
all users' own clusters are `users`.
"""
_LABELS = """
## Labels
"""
_Instrument = Counter | Gauge | Histogram


def page() -> str:
    """The whole page."""
    found = [one for one in vars(metrics).values() if isinstance(one, _Instrument)]
    rows = ((code(_name(one)), _kind(one), _labels(one), _help(one)) for one in found)
    labels = ((code(name), values) for name, values in metrics.LABELS.items())
    return "\n".join(
        [
            _INTRODUCTION,
            table(("metric", "type", "labels", "meaning"), rows),
            _LABELS,
            table(("label", "values"), labels),
        ]
    )


def _name(one: _Instrument) -> str:
    [family] = one.describe()
    return family.name + ("_total" if isinstance(one, Counter) else "")


def _kind(one: _Instrument) -> str:
    [family] = one.describe()
    return family.type


def _help(one: _Instrument) -> str:
    [family] = one.describe()
    return str(family.documentation)


def _labels(one: _Instrument) -> str:
    names = one._labelnames
    unknown = set(names) - metrics.LABELS.keys()
    if unknown:
        raise ValueError(f"metrics.LABELS does not say what {unknown} can be")
    return ", ".join(code(name) for name in names)
