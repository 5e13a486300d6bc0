"""The help of every command: what it says, that its examples are right, and what it waits for."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ledger.cli import SHORT_HELPS, cli
from ledger.cli.documented import Documented

HEAVY = {"sqlalchemy", "eventsourcing", "flask", "alembic", "structlog", "granian", "marshmallow"}
"""Libraries whose loading somebody would wait for who only asks for help."""
WITH_FILTERS = {"notifications", "export", "suspects"}
"""Their options are made of filters, which are declared beside the columns that they filter."""


def leaves() -> Iterator[tuple[str, Documented]]:
    """Every command that does something, by the words that call it."""
    context = click.Context(cli)
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield from leaves_of(name, command)


def leaves_of(words: str, command: click.Command) -> Iterator[tuple[str, Documented]]:
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from leaves_of(f"{words} {name}", child)
        return
    assert isinstance(command, Documented)
    yield words, command


LEAVES = dict(leaves())


def help_of(*words: str) -> str:
    return CliRunner().invoke(cli, [*words, "--help"], terminal_width=100).output


@pytest.mark.parametrize("name", SHORT_HELPS)
def test_a_command_says_the_same_of_itself_as_the_list_of_commands(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    assert command.short_help == SHORT_HELPS[name]


@pytest.mark.parametrize("words", [[], *([name] for name in SHORT_HELPS)], ids=" ".join)
def test_no_short_help_is_cut(words: list[str]) -> None:
    commands = help_of(*words).partition("Commands:\n")[2].partition("\n\n")[0]

    assert "..." not in commands


@pytest.mark.parametrize("name", LEAVES)
def test_a_command_has_a_short_help_examples_and_its_variables(name: str) -> None:
    command, shown = LEAVES[name], help_of(*name.split())

    assert command.short_help
    assert command.short_help.endswith(".")
    assert command.examples
    assert all(f"\n  {example}\n" in shown for example in command.examples)
    assert all(f"\n  {variable}  " in shown for variable in command.variables)
    assert "LEDGER_DATABASE_URL" in command.variables or name == "simulate"


@pytest.mark.parametrize(
    ("name", "example"),
    [(name, example) for name, command in LEAVES.items() for example in command.examples],
)
def test_an_example_is_understood(
    name: str, example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calls").mkdir()
    for file_name in ("calls.jsonl", "JT_BOUTIQUE_12345678_260310.csv", "export.csv"):
        (tmp_path / file_name).touch()
    program, *words = shlex.split(re.split(r" [<>|] ", example)[0])
    own_words = words[len(name.split()) :]

    assert program == "ledger"
    assert words[: len(name.split())] == name.split()
    assert LEAVES[name].make_context(name, own_words)  # click.UsageError if it is not


def test_the_first_help_leads_on() -> None:
    shown = help_of()

    assert "ledger serve --demo" in shown
    assert "_LEDGER_COMPLETE=bash_source ledger" in shown
    assert all(f"\n  {code}  " in shown for code in ("0  ", "1  ", "2  ", "141"))
    assert "One thing is one JSON document; a list is JSON Lines" in " ".join(shown.split())
    assert '{"error": CODE, "message": TEXT}' in " ".join(shown.split())


def loaded_by(*arguments: str) -> set[str]:
    """The heavy libraries that a process has loaded when it has answered."""
    code = (
        "import sys; from ledger.cli import cli\n"
        "try: cli()\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("name", ["", *SHORT_HELPS])
def test_a_help_waits_for_nothing_heavy(name: str) -> None:
    allowed = {"sqlalchemy", "eventsourcing"} if name in WITH_FILTERS else set()

    assert loaded_by(*name.split(), "--help") - allowed <= (
        {"marshmallow"} if name == "simulate" else set()
    )


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["serv"], "serve"),
        (["notification", "list"], "notifications"),
        (["notifications", "shwo"], "show"),
        (["check", "--jsn"], "--json"),
    ],
)
def test_a_typo_is_answered_with_what_may_be_meant(words: list[str], meant: str) -> None:
    done = CliRunner().invoke(cli, words)

    assert done.exit_code == 2
    assert re.search(rf"Did you mean.*'{meant}'", done.stderr)


def test_the_commands_are_completed_without_loading_one() -> None:
    completions = cli.shell_complete(click.Context(cli), "pro")

    assert [(each.value, each.help) for each in completions] == [
        (name, SHORT_HELPS[name]) for name in ("projections", "proof")
    ]


def test_the_package_is_the_command() -> None:
    command = [sys.executable, "-m", "ledger", "check", "--help"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.startswith("Usage: ledger check [OPTIONS]\n")
