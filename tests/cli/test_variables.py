"""A variable that nothing reads is told of: a fence that is misspelt leaves the gate open."""

from pathlib import Path

import pytest

from tests.cli.test_check import SECRET, environment, key, states


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("LEDGER_ALLOWED_SOURCE", "; did you mean LEDGER_ALLOWED_SOURCES?"),
        ("LEDGER_SHOP_FILE", "; did you mean LEDGER_SHOPS_FILE?"),
        ("ledger_log_level", "; did you mean LEDGER_LOG_LEVEL?"),
        ("LEDGER_QQQQQQ", ""),
    ],
)
def test_a_variable_that_nothing_reads_is_told_with_its_nearest(
    tmp_path: Path, name: str, meant: str
) -> None:
    lines = states(environment(tmp_path, key()) | {name: SECRET}, "settings")

    assert lines[1:] == [f"warning: nothing reads {name}{meant}"]


def test_variables_that_something_reads_are_not_warned_of(tmp_path: Path) -> None:
    environ = environment(
        tmp_path, key().replace(f'secret = "{SECRET}"', 'secret_env = "LEDGER_K"')
    )
    read = ("LEDGER_K", "LEDGER_TEST_POSTGRES_URL", "LEDGER_DEBUG", "LEDGER_TOKEN", "OTHER")

    assert len(states(environ | dict.fromkeys(read, SECRET), "settings")) == 1
