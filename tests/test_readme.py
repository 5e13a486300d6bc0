"""What the README promises, held against the code: commands, options, routes, settings, rules."""

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest
from flask import Flask

from ledger.application import Ledger
from ledger.cli import cli
from ledger.ipn.notification_rules import RULES
from ledger.ipn.shops_and_keys import Shops, read_shops
from ledger.settings import Settings, read_settings
from ledger.storage.database import Database
from web import create_app

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(title: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", section(title), re.MULTILINE)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> dict[str, click.Command]:
    context = click.Context(cli)
    command_by_name = {}
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            subcommands = command.commands.items()
            command_by_name |= {f"ledger {name} {sub}": child for sub, child in subcommands}
        else:
            command_by_name[f"ledger {name}"] = command
    return command_by_name


def test_the_readme_names_every_command_and_no_other() -> None:
    assert first_cells("Commands") == list(dict.fromkeys(first_cells("Commands")))
    assert set(first_cells("Commands")) == set(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_readme_names_every_option_of_a_command_and_no_other(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|(.*)$", section("Commands"), re.MULTILINE)
    options = {
        option for param in commands()[name].params for option in param.opts if option[:2] == "--"
    }

    assert set(re.findall(r"`(--[a-z-]+)`", row)) == options - {"--json"}


def test_every_option_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README))
    params = [param for command in (cli, *commands().values()) for param in command.params]
    known = {option for param in params for option in param.opts}

    of_pip = {"--quiet", "--require-hashes", "--no-deps", "--no-build-isolation", "--disable-pip"}
    assert named - known <= {"--help", *of_pip}


def test_the_readme_names_every_route_and_no_other(app: Flask) -> None:
    routes = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }

    assert {route for route in first_cells("HTTP") if route[0].isupper()} == routes


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/never-opened.sqlite")
    return create_app(settings, Ledger(settings, Shops(), Database(settings.database_url)))


class WatchedEnvironment(dict[str, str]):
    """An environment that remembers which names were read from it."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.names.add(name)
        return default


def test_the_readme_tells_every_setting_with_its_default() -> None:
    environment = WatchedEnvironment()
    settings = read_settings(environment)
    default_by_name = dict(
        re.findall(r"^\| `(LEDGER_\w+)` \| `?([^`|]+?)`? \|", README, re.MULTILINE)
    )

    assert environment.names == {f"LEDGER_{field.name.upper()}" for field in fields(Settings)}
    assert default_by_name == {
        f"LEDGER_{field.name.upper()}": str(getattr(settings, field.name) or "–").replace("()", "–")
        for field in fields(Settings)
    }


def test_the_readme_names_every_rule_of_the_back_office_with_its_default() -> None:
    rows = re.findall(r"^\| (IPN URL [^|]+) \| (yes|no)", README, re.MULTILINE)

    assert dict(rows) == {
        rule.switch: "yes" if rule.is_on_by_default else "no" for rule in RULES.values()
    }


def test_the_shops_file_of_the_readme_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "shops.toml"
    path.touch(mode=0o600)
    path.write_text(blocks("toml")[0])

    shops = read_shops(path, {"BOUTIQUE_REST_PASSWORD": "synthetic"})

    assert [key.mode for key in shops.shop_by_id["12345678"].keys] == ["TEST", "PRODUCTION"]


def test_the_checks_are_the_readmes_test_command_with_the_linters_between() -> None:
    _, command = blocks("sh")[:2]
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    lines = [line for line in script if line.startswith((".venv", "python3"))]

    assert " && ".join([lines[0], lines[-1]]) == command.strip()
    assert script[-1] == lines[-1]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize(
    "document",
    ["README.md", *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md")))],
)
def test_every_file_that_a_document_names_exists(document: str) -> None:
    path = ROOT / document
    text = path.read_text()
    linked = [path.parent / target for target in re.findall(r"\]\(([^)#:]+)\)", text)]
    named = [ROOT / name for name in re.findall(r"`((?:ledger|web|tests|docs)/[\w./]+)`", text)]

    packed = ROOT / "ledger" / "migrations"  # exists in a wheel only
    assert [file for file in (*linked, *named) if not file.exists() and file != packed] == []
