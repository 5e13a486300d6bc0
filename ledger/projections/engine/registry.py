"""Know every read model by name, and the fingerprint of the code that a generation belongs to."""

from collections.abc import Mapping
from functools import cache

from ledger.errors import NotFoundError
from ledger.projections import (
    aliases,
    audit_trail,
    orders,
    rule_coverage,
    subscriptions,
    suspects,
    totals,
    transactions,
)
from ledger.projections.definition import Projection
from ledger.projections.engine.fingerprints import compute_fingerprint

ENGINE_VERSION = 1
"""Raise it when rows come out different although no read model has changed."""

PROJECTIONS: Mapping[str, Projection] = {
    module.PROJECTION.name: module.PROJECTION
    for module in (
        *(transactions, aliases, subscriptions, orders),
        *(suspects, totals, rule_coverage, audit_trail),
    )
}


def projection(name: str) -> Projection:
    """Return the read model of this name. Errors: NotFoundError."""
    if name not in PROJECTIONS:
        raise NotFoundError(f"no projection {name}; there are {', '.join(PROJECTIONS)}")
    return PROJECTIONS[name]


@cache
def fingerprint(model: Projection) -> str:
    """Return what identifies the tables and the code of a read model. Shape: 12 hex digits.

    It is of the code that runs: files that are replaced under a running process do not change it.
    """
    return compute_fingerprint(model, version=ENGINE_VERSION)


for _model in PROJECTIONS.values():
    fingerprint(_model)  # now, while the files are those that were imported
