"""Whoever mistypes a setting reads one line that says what to do, and nothing is made for it."""

import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ledger.cli import Commands
from ledger.operations import logs
from tests.cli.running import run, shops_file

READING = [
    ("verify",),
    ("rebuild",),
    ("projections", "status"),
    ("notifications", "list"),
    ("token", "list"),
    ("token", "create", "--name", "x", "--role", "auditor"),
    ("user", "list"),
    ("history", "transaction", "x", "--shop", "12345678", "--mode", "test"),
    ("export", "events"),
]


@pytest.mark.parametrize("arguments", READING, ids=" ".join)
def test_a_ledger_that_is_not_there_is_named_and_not_made(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = tmp_path / "folder" / "ledger.sqlite"

    done = run(f"sqlite:///{path}", shops_file(tmp_path), *arguments)

    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert f"no ledger at sqlite:///{path} (LEDGER_DATABASE_URL)" in line
    assert f"there is no file {path}" in line
    assert "`ledger serve` or `ledger migrate`" in line
    assert not path.parent.exists()


def test_the_default_is_named_and_the_way_to_the_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "demo.sqlite").touch()

    done = run("", None, "token", "list")

    assert "(the default: LEDGER_DATABASE_URL is not set)" in done.stderr.splitlines()[0]
    assert done.stderr.splitlines()[-2:] == [
        "  export LEDGER_DATABASE_URL=sqlite:///var/demo.sqlite",
        "  export LEDGER_SHOPS_FILE=var/demo-shops.toml",
    ]
    assert os.listdir(tmp_path / "var") == ["demo.sqlite"]


@pytest.mark.parametrize("arguments", [("migrate",), ("token", "list"), ("check",), ("serve",)])
@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("text", "file is not a database"),
        ("text/ledger.sqlite", "text is a file, not a folder"),
        ("folder", "folder is a folder, not a file"),
    ],
)
def test_what_stands_in_the_place_of_the_file_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    reason: str,
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setattr(logs, "configure", lambda *_: None)  # they are the suite's own here
    (tmp_path / "text").write_text("no database, but long enough to look like one\n" * 40)
    (tmp_path / "folder").mkdir()
    shops_path = shops_file(tmp_path)

    done = run(f"sqlite:///{tmp_path}/{place}", shops_path, *arguments)

    assert done.exit_code == 2
    assert reason in done.output
    assert "Traceback" not in done.output
    assert len(done.stderr.splitlines()) == (0 if arguments == ("check",) else 1)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    done = run("sqlite:////proc/no-such/ledger.sqlite", shops_file(tmp_path), "migrate")

    assert done.exit_code == 2
    assert done.stderr.startswith("error: the database's folder /proc/no-such cannot be made: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(0o500)

    done = run(f"sqlite:///{tmp_path}/closed/ledger.sqlite", shops_file(tmp_path), "check")

    assert done.exit_code == 2
    assert "closed: Permission denied" in done.output


@pytest.mark.parametrize("arguments", [("migrate",), ("token", "list"), ("check",)])
def test_a_database_that_the_server_does_not_have_is_told_in_its_words(
    tmp_path: Path, empty_postgres_url: str, arguments: tuple[str, ...]
) -> None:
    url = empty_postgres_url.rpartition("/")[0] + "/no_such_database"

    done = run(url, shops_file(tmp_path), *arguments)

    assert done.exit_code == 2
    assert 'database "no_such_database" does not exist' in done.output


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ledger@127.0.0.1:1/x?connect_timeout=abc",
        "sqlite:///x.sqlite?timeout=abc",
        "postgresql://ledger@127.0.0.1:port/x",
    ],
)
def test_a_url_that_cannot_be_read_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.chdir(tmp_path)

    done = run(url, shops_file(tmp_path), "migrate")

    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [("migrate",), ("token", "list"), ("check",)])
def test_no_password_of_a_url_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("LEDGER_DEBUG", "1")
    url = "postgresql://u:s3cret@s3cret@127.0.0.1:1/x?password=s3cret&options=-c%20a.b%3Ds3cret"

    done = run(url, shops_file(tmp_path), *arguments)

    assert done.exit_code == 2
    assert "***" in done.output
    assert "s3cret" not in done.output


def test_a_copy_that_cannot_be_written_is_told_before_anything_is_built(
    tmp_path: Path, sqlite_url: str
) -> None:
    (tmp_path / "text").touch()
    arguments = ("rebuild", "--as-of", "2026-01-01", "--into", str(tmp_path / "text" / "x"))

    done = run(sqlite_url, None, *arguments)

    assert done.exit_code == 2
    assert f"--into cannot be written: {tmp_path}/text is a file, not a folder" in done.stderr


def a_command_that_stumbles() -> click.Command:
    @click.group(cls=Commands)
    def stumbling() -> None:
        raise ValueError("s3cret")

    return stumbling


@pytest.mark.parametrize(("debug", "lines_min"), [(None, 1), ("1", 10)])
def test_our_own_mistake_is_one_line_and_more_when_asked_for(
    debug: str | None, lines_min: int
) -> None:
    done = CliRunner().invoke(a_command_that_stumbles(), ["check"], env={"LEDGER_DEBUG": debug})

    assert done.exit_code == 1
    assert len(done.stderr.splitlines()) >= lines_min
    assert ("Traceback" in done.stderr) is bool(debug)
    assert "LEDGER_DEBUG=1 shows where" in done.stderr.splitlines()[-1]
