"""Whoever works on the command line while the database is away reads a line, not a traceback."""

from pathlib import Path

import pytest

from tests.cli.running import run, shops_file

AWAY = "postgresql://ledger:pa55word@127.0.0.1:1/ledger"


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify",),
        ("rebuild",),
        ("migrate",),
        ("projections", "status"),
        ("notifications", "list"),
        ("token", "list"),
    ],
)
def test_a_database_that_is_away_is_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(AWAY, shops_file(tmp_path), *arguments)

    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert "Connection refused" in done.stderr
    assert "(unavailable)" in done.stderr
    assert "pa55word" not in done.output
