"""Which variables of the environment look like settings of this service and are none."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from difflib import get_close_matches

from ledger.cli.shop_findings import WARNING, Finding
from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import variables_of_keys
from ledger.settings import Settings

_PREFIX = "LEDGER_"
_SETTINGS = tuple(f"{_PREFIX}{setting.name.upper()}" for setting in fields(Settings))
_OTHERS = (
    *("LEDGER_DEBUG", "LEDGER_TOKEN", "LEDGER_SERVICE_PASSWORD", "LEDGER_PUBLISH_TO"),
    *("LEDGER_PUBLISH_SECRET", "LEDGER_BASE_IMAGE", "LEDGER_POSTGRES_IMAGE"),
)
"""What the commands and the files for containers read besides."""
_OF_TESTS = ("LEDGER_TEST_", "LEDGER_BENCH_")


def variable_findings(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Report variables that nothing reads, with the one that may have been meant.

    Shape: the names alone, never a value.
    """
    own = {*_SETTINGS, *_OTHERS, *_variables_of_keys(settings)}
    for name in sorted(environ):
        if name.upper().startswith(_PREFIX) and name not in own and not name.startswith(_OF_TESTS):
            matches = get_close_matches(name.upper(), (*_SETTINGS, *_OTHERS), 1)
            meant = f"; did you mean {matches[0]}?" if matches else ""
            yield Finding(WARNING, "settings", f"nothing reads {name}{meant}")


def _variables_of_keys(settings: Settings) -> set[str]:
    with suppress(SettingsError):  # what is wrong with that file is told of it
        return variables_of_keys(settings.shops_file) if settings.shops_file else set()
    return set()
