"""Say how many examples a law is tried with.

The numbers are those of every run of the suite. For a longer search multiply them:
`LEDGER_TEST_EXAMPLES=20 python -m pytest tests/properties`.
"""

import os

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("LEDGER_TEST_EXAMPLES", "1"))


def examples(count: int) -> settings:
    """Return the settings of a law that is tried with so many examples, or a multiple."""
    return settings(
        max_examples=count * FACTOR,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
