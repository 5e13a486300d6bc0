"""What is printed on a terminal, in a pipe and for a machine."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.cli.output import counted
from tests.builders import KEYS_ENVIRON, SHOP_ID, a_form_call, a_ledger, receive
from tests.cli.running import run, shops_file
from tests.conftest import opened

GREEN, RED = "\x1b[32m", "\x1b[31m"


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    with opened(sqlite_url) as database:
        ledger = a_ledger(database)
        receive(ledger, a_form_call())
        receive(ledger, b"")
        yield ledger


def on_terminal(url: str, *arguments: str, **more: str) -> str:
    """What a person sees whose terminal is both standard output and error."""
    ours, theirs = pty.openpty()
    ambient = {name: text for name, text in os.environ.items() if not name.startswith("LEDGER_")}
    environ = ambient | KEYS_ENVIRON | {"LEDGER_DATABASE_URL": url, "TERM": "xterm"} | more
    command = [sys.executable, "-m", "ledger", *arguments]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=environ)
    os.close(theirs)
    seen = b""
    try:
        while part := os.read(ours, 65_536):
            seen += part
    except OSError:  # what a terminal answers when its other end is closed
        pass
    os.close(ours)
    process.wait()
    return seen.decode().replace("\r\n", "\n")


def test_a_list_on_a_terminal_is_a_table_with_a_header(sqlite_url: str, ledger: Ledger) -> None:
    seen = on_terminal(sqlite_url, "--color", "never", "notifications", "list")

    header, refused, recorded, count = seen.splitlines()
    assert header.split() == [
        *("id", "received", "at", "outcome", "format", "shop", "mode", "source", "or", "reason")
    ]
    assert refused.index("quarantined") == recorded.index("recorded") == header.index("outcome")
    assert refused.split()[-1] == "empty-body"
    assert recorded.split()[-2:] == ["TEST", "PAY"]
    assert count == "2 notifications"


def test_a_list_in_a_pipe_is_separated_by_tabs_without_a_header(
    sqlite_url: str, ledger: Ledger
) -> None:
    done = run(sqlite_url, None, "notifications", "list")

    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[2] for row in rows] == ["quarantined", "recorded"]
    assert [row[4] for row in rows] == ["-", SHOP_ID]


def test_words_of_a_state_are_coloured_on_a_terminal(sqlite_url: str, ledger: Ledger) -> None:
    seen = on_terminal(sqlite_url, "notifications", "list")

    assert f"{GREEN}recorded\x1b[0m" in seen
    assert f"{RED}quarantined\x1b[0m" in seen


@pytest.mark.parametrize(
    ("options", "environ"), [(["--color", "never"], {}), ([], {"NO_COLOR": "1"})]
)
def test_colours_can_be_switched_off(
    sqlite_url: str, ledger: Ledger, options: list[str], environ: dict[str, str]
) -> None:
    for command in (["notifications", "list"], ["check"]):
        assert "\x1b" not in on_terminal(sqlite_url, *options, *command, **environ)


@pytest.mark.parametrize(("color", "is_coloured"), [("auto", False), ("always", True)])
def test_a_pipe_has_colours_only_when_they_are_demanded(
    sqlite_url: str, ledger: Ledger, color: str, is_coloured: bool
) -> None:
    command = [sys.executable, "-m", "ledger", "--color", color, "notifications", "list"]
    environ = os.environ | {"LEDGER_DATABASE_URL": sqlite_url}

    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)

    assert (GREEN in done.stdout) is is_coloured


@pytest.mark.parametrize(
    "arguments",
    [
        ["notifications", "list", "--limit", "10000"],
        ["notifications", "list", "--json", "--limit", "10000"],
        ["export", "notifications"],
        ["history", "transaction", "--shop", SHOP_ID, "--json", "a1" * 16],
    ],
    ids=" ".join,
)
def test_a_reader_that_leaves_a_pipe_is_no_failure(
    sqlite_url: str, ledger: Ledger, tmp_path: Path, arguments: list[str]
) -> None:
    receive(ledger, a_form_call(trans_uuid="a1" * 16))
    environ = os.environ | {
        "LEDGER_DATABASE_URL": sqlite_url,
        "LEDGER_SHOPS_FILE": str(shops_file(tmp_path)),
    }
    command = [sys.executable, "-m", "ledger", *arguments]
    reader, writer = os.pipe()
    os.close(reader)  # nobody reads from the start on, whatever the size of a pipe

    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, env=environ)

    os.close(writer)
    assert done.returncode == 141
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_an_error_for_a_machine_is_a_document(sqlite_url: str, tmp_path: Path) -> None:
    words = ("history", "transaction", "x", "--shop", SHOP_ID)

    missing = run(f"sqlite:///{tmp_path}/none.sqlite", shops_file(tmp_path), *words, "--json")
    unknown = run(sqlite_url, shops_file(tmp_path), *words, "--json")
    in_words = run(sqlite_url, shops_file(tmp_path), *words)

    assert json.loads(unknown.stderr) == {
        "error": "not-found",
        "message": f"no transaction x in shop {SHOP_ID}",
    }
    assert json.loads(missing.stderr)["error"] == "bad-settings"
    assert (missing.exit_code, unknown.exit_code) == (2, 1)
    assert in_words.stderr == f"error: no transaction x in shop {SHOP_ID} (not-found)\n"


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 deliveries"), (1, "1 delivery"), (2, "2 deliveries")]
)
def test_one_is_counted_in_the_singular(number: int, words: str) -> None:
    assert counted(number, "delivery", "deliveries") == words
    assert counted(number, "shop") == f"{number} shop{'' if number == 1 else 's'}"
