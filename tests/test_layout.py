"""What a machine can check of the project's shape: imports, names, and what the README promises."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
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

# -- who may import what ------------------------------------------------------------------------

PLAIN = (
    "ledger.errors",
    "ledger.ipn.modes",
    "ledger.ipn.money",
    "ledger.ipn.refusal_reasons",
    "ledger.ipn.notification_rules",
    "ledger.ipn.statuses",
)
READ = (
    *PLAIN,
    "ledger.ipn.signature",
    "ledger.settings",
    "ledger.ipn.shops_and_keys",
    "ledger.ipn.delivery",
)
TOLD = ("ledger.ipn.snapshots", "ledger.ipn.field_values")
AGGREGATES = ("ledger.aggregates", "ledger.aggregates.event_catalogue", "ledger.recording.decider")
SHOWN = ("ledger.queries.state", "ledger.queries.history")
ASKED = (
    "ledger.access",
    "ledger.users",
    "ledger.queries.deliveries",
    "ledger.queries.event_schemas",
    "ledger.queries.evidence",
    "ledger.instants",
    "ledger.queries.find_by_name",
    "ledger.access.masking",
    "ledger.queries.orders",
    "ledger.projections.engine.status",
    "ledger.aggregates.event_catalogue",
    "ledger.ipn.snapshots",
)

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "ledger": (),
    "ledger.errors": (),
    "ledger.ipn.money": ("iso4217",),
    "ledger.ipn.refusal_reasons": (),
    "ledger.ipn.notification_rules": (),
    "ledger.ipn.statuses": (),
    "ledger.ipn.signature": ("ledger.errors",),
    "ledger.settings": PLAIN,
    "ledger.ipn.shops_and_keys": (*PLAIN, "marshmallow"),
    "ledger.ipn.delivery": (*PLAIN, "ledger.ipn.signature"),
    "ledger.ipn.authenticity": READ,
    "ledger.operations.worker_processes": (),
    "ledger.operations.logs": (*PLAIN, "structlog"),
    "ledger.operations.metrics": ("prometheus_client",),
    "ledger.ipn.parse.*": (*READ, "ledger.ipn.authenticity", "ledger.ipn.parse", "orjson"),
    "ledger.ipn.snapshots": PLAIN,
    "ledger.ipn.field_values": (*PLAIN, "ledger.ipn.snapshots"),
    "ledger.aggregates.*": (*PLAIN, *TOLD, "ledger.aggregates.aggregate", "eventsourcing.domain"),
    "ledger.aggregates.event_catalogue": (*PLAIN, "ledger.aggregates"),
    "ledger.recording.decider": (*PLAIN, *TOLD, "ledger.aggregates"),
    "ledger.storage.*": (*PLAIN, "ledger.storage", "sqlalchemy"),
    "ledger.storage.event_recorder": (*PLAIN, "ledger.storage", "sqlalchemy", "eventsourcing"),
    "ledger.storage.event_mapper": ("eventsourcing", "orjson"),
    "ledger.storage.write_set": ("eventsourcing", "ledger.storage", "sqlalchemy"),
    "ledger.storage.postgresql_writer": (*PLAIN, "ledger.storage", "orjson", "sqlalchemy"),
    "ledger.storage.subscription_index": (
        *PLAIN,
        *TOLD,
        "ledger.aggregates",
        "ledger.storage",
        "sqlalchemy",
    ),
    "ledger.storage.migrations": (*PLAIN, "ledger.storage", "sqlalchemy", "alembic"),
    "ledger.recording.group_commit": (),
    "ledger.recording.unit_of_work": (
        *READ,
        *AGGREGATES,
        "ledger.application",
        "ledger.ipn.parse",
        "ledger.storage",
        "eventsourcing.persistence",
        "sqlalchemy",
    ),
    "ledger.application": (
        *READ,
        *AGGREGATES,
        "ledger.recording.unit_of_work",
        "ledger.recording.group_commit",
        "ledger.ipn.parse",
        "ledger.storage",
        "eventsourcing",
        "sqlalchemy",
        "structlog",
    ),
    "ledger.queries.keyset": (*PLAIN, "orjson", "sqlalchemy"),
    "ledger.queries.lists": (
        *PLAIN,
        "ledger.queries.keyset",
        "ledger.projections",
        "ledger.ipn.shops_and_keys",
        "ledger.storage",
        "sqlalchemy",
    ),
    "ledger.queries.search": (
        *PLAIN,
        "ledger.application",
        "ledger.queries.lists",
        "ledger.queries.keyset",
        "sqlalchemy",
    ),
    "ledger.queries.export": (
        *PLAIN,
        *SHOWN,
        "ledger.application",
        "ledger.queries.lists",
        "ledger.access.masking",
        "ledger.storage",
        "orjson",
        "pyarrow",
        "sqlalchemy",
    ),
    "ledger.queries.state": (*PLAIN, *TOLD, *AGGREGATES, "ledger.application"),
    "ledger.queries.history": (
        *PLAIN,
        *TOLD,
        *AGGREGATES,
        "ledger.application",
        "ledger.queries.state",
    ),
    "ledger.instants": (),
    "ledger.access.masking": (),
    "ledger.access": (*PLAIN, "ledger.storage", "sqlalchemy"),
    "ledger.users": (*PLAIN, "ledger.access", "ledger.storage", "argon2", "sqlalchemy"),
    "ledger.queries.find_by_name": (
        *PLAIN,
        "ledger.aggregates",
        "ledger.application",
        "ledger.storage",
    ),
    "ledger.queries.event_schemas": (
        *PLAIN,
        *TOLD,
        "ledger.aggregates",
        "ledger.aggregates.event_catalogue",
    ),
    "ledger.queries.deliveries": (*PLAIN, *SHOWN, "ledger.application", "ledger.storage"),
    "ledger.queries.evidence": (*READ, "ledger.application", "ledger.ipn.parse", "ledger.storage"),
    "ledger.queries.orders": (
        *PLAIN,
        "ledger.application",
        "ledger.queries.state",
        "ledger.projections",
        "ledger.storage.tables",
        "sqlalchemy",
    ),
    "ledger.queries.related": (
        *PLAIN,
        "ledger.application",
        "ledger.queries.state",
        "ledger.queries.orders",
        "sqlalchemy",
    ),
    # a view never reads another, nor an aggregate: events alone
    "ledger.projections.*": (
        *PLAIN,
        *TOLD,
        "ledger.projections.definition",
        "ledger.projections.stream_columns",
        "ledger.projections.money_outcomes",
        "sqlalchemy",
    ),
    "ledger.projections.definition": ("msgspec", "sqlalchemy"),
    "ledger.projections.money_outcomes": ("sqlalchemy",),
    "ledger.projections.engine.registry": (*PLAIN, "ledger.projections", "sqlalchemy"),
    "ledger.projections.engine.event_reader": (
        "ledger.projections.engine.folding",
        "ledger.projections.definition",
        "ledger.storage.database",
        "sqlalchemy",
    ),
    "ledger.projections.engine.writing": (
        "ledger.projections.definition",
        "ledger.storage.database",
        "msgspec",
        "sqlalchemy",
    ),
    **{
        f"ledger.projections.{one}": (
            *PLAIN,
            "ledger.application",
            "ledger.projections",
            "ledger.storage",
            "ledger.operations.worker_processes",
            "eventsourcing.persistence",
            "sqlalchemy",
            "structlog",
        )
        for one in (
            "generations",
            "follower",
            "runner",
            "parts",
            "filling",
            "rebuild",
            "compare",
            "as_of",
            "status",
        )
    },
    "ledger.projections.engine.folding": (
        *TOLD,
        "ledger.projections.definition",
        "ledger.storage.event_mapper",
        "ledger.aggregates.event_catalogue",
        "msgspec",
        "sqlalchemy",
    ),
    "ledger.queries.activity": ("ledger.storage", "sqlalchemy", "ulid"),
    "ledger.queries.quarantine_list": (
        "ledger.queries.activity",
        "ledger.application",
        "ledger.errors",
        "ledger.storage",
        "sqlalchemy",
    ),
    "ledger.queries.readable_body": (
        *READ,
        "ledger.application",
        "ledger.queries.evidence",
        "ledger.ipn.parse",
        "ledger.storage.inbox",
    ),
    "ledger.queries": (*PLAIN, "ledger.projections", "ledger.ipn.shops_and_keys", "sqlalchemy"),
    # the audit reads everything and changes nothing
    "ledger.audit": ("ledger.audit",),
    "ledger.audit.*": ("ledger", "msgspec", "orjson", "sqlalchemy"),
    # the filler plays the platform and the receiver at once
    "ledger.simulator.bulk": (*READ, "ledger.simulator", "ledger.application", "ulid"),
    # never what it puts to the test: what it expects is its own opinion
    "ledger.simulator.*": (*READ, "ledger.simulator", "iso4217"),
    "ledger.cli.demo": (
        *READ,
        "ledger.access",
        "ledger.simulator",
        "ledger.storage.database",
        "ledger.users",
        "rich",
    ),
    "ledger.cli": ("ledger", "click"),
    "ledger.cli.*": ("ledger", "click", "orjson", "sqlalchemy"),
    "ledger.cli.progress_bar": ("click", "rich"),
    "ledger.cli.check": ("ledger", "click", "sqlalchemy", "alembic.util"),
    "ledger.cli.serve": ("ledger", "web", "click", "granian", "sqlalchemy", "structlog", "flask"),
    # the pages may show whatever can be read, in the reader's language
    "web.pages": ("web", "flask", "flask_limiter"),
    "web.pages.*": (
        *READ,
        *SHOWN,
        *ASKED,
        "ledger.queries.activity",
        "ledger.queries.readable_body",
        "ledger.queries.quarantine_list",
        "ledger.application",
        "ledger.queries.export",
        "ledger.queries.lists",
        "ledger.operations.logs",
        "ledger.queries.keyset",
        "ledger.projections",
        "ledger.queries",
        "ledger.queries.related",
        "ledger.queries.search",
        "ledger.storage",
        "web",
        "babel",
        "flask",
        "flask_babel",
        "flask_limiter",
        "flask_wtf",
        "markupsafe",
        "marshmallow",
        "sqlalchemy",
        "structlog",
        "werkzeug",
    ),
    "web.pages.rendering": ("ledger", "web", "flask", "structlog"),  # the version alone
    "web.api.lists": (
        *PLAIN,
        "ledger.queries.export",
        "ledger.queries.lists",
        "ledger.queries.keyset",
        "ledger.projections.money_outcomes",
        "web",
        "flask",
        "flask_smorest",
        "marshmallow",
        "orjson",
    ),
    "web.*": (
        "ledger.queries.export",
        *READ,
        *SHOWN,
        *ASKED,
        "ledger.application",
        "ledger.operations.logs",
        "ledger.projections",
        "ledger.operations.metrics",
        "ledger.storage",
        "web",
        "alembic.util",
        "flask",
        "flask_limiter",
        "flask_smorest",
        "markupsafe",
        "marshmallow",
        "orjson",
        "sqlalchemy",
        "structlog",
        "ulid",
        "werkzeug",
    ),
    "web.api.responses": ("ledger", "web", "flask", "flask_smorest", "orjson"),  # the version alone
    "alembic.env": ("ledger.storage.database", "alembic"),
    "alembic.versions.*": ("alembic", "sqlalchemy"),
}
"""Module -> prefixes of what it may import beside the standard library; `x.*`: what is in `x` and
has no row of its own. A prefix opens what is below it."""


def modules() -> dict[str, Path]:
    found = {}
    for package in ("ledger", "web", "alembic"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(part for part in parts if part != "__init__")] = path
    return found


MODULES = modules()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            for one in node.names:
                name = f"{node.module}.{one.name}"
                yield name if name in MODULES else node.module


def row_of(module: str) -> tuple[str, ...]:
    if module in MAY_IMPORT:
        return MAY_IMPORT[module]
    parents = [module.rsplit(".", count)[0] for count in range(0, module.count(".") + 1)]
    return next(MAY_IMPORT[f"{one}.*"] for one in parents if f"{one}.*" in MAY_IMPORT)


def is_allowed(module: str, name: str) -> bool:
    is_standard = name.partition(".")[0] in sys.stdlib_module_names
    return is_standard or any(f"{name}.".startswith(f"{one}.") for one in row_of(module))


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_what_its_row_allows(module: str) -> None:
    forbidden = [name for name in imported(MODULES[module]) if not is_allowed(module, name)]

    assert forbidden == []


def test_every_row_is_about_a_module() -> None:
    packages = {name.rsplit(".", 1)[0] for name in MODULES}

    assert [one for one in MAY_IMPORT if one not in MODULES and one[:-2] not in packages] == []


def test_the_event_library_and_flask_stay_where_they_are() -> None:
    users = {
        library: {
            module
            for module, path in MODULES.items()
            if any(name.partition(".")[0] == library for name in imported(path))
        }
        for library in ("eventsourcing", "flask")
    }

    assert users["eventsourcing"] == {
        "ledger.aggregates.aggregate",
        "ledger.application",
        "ledger.recording.unit_of_work",
        "ledger.storage.event_recorder",
        "ledger.storage.event_mapper",
        "ledger.storage.write_set",
    }
    assert {one for one in users["flask"] if not one.startswith("web")} == {"ledger.cli.serve"}


def test_no_module_is_named_after_nothing() -> None:
    nameless = {"utils", "util", "helpers", "helper", "common", "misc", "base"}

    assert [name for name in MODULES if nameless & set(name.split("."))] == []


def test_the_migrations_do_not_hide_their_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()


# -- what the README promises -------------------------------------------------------------------


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(title: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", section(title), re.MULTILINE)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> dict[str, click.Command]:
    context = click.Context(cli)
    found = {}
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= {f"ledger {name} {sub}": one for sub, one in command.commands.items()}
        else:
            found[f"ledger {name}"] = command
    return found


def test_the_readme_names_every_command_and_no_other() -> None:
    assert first_cells("Commands") == list(dict.fromkeys(first_cells("Commands")))
    assert set(first_cells("Commands")) == set(commands())


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_readme_names_every_option_of_a_command_and_no_other(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \|(.*)$", section("Commands"), re.MULTILINE)
    options = {one for param in commands()[name].params for one in param.opts if one[:2] == "--"}

    assert set(re.findall(r"`(--[a-z-]+)`", row)) == options - {"--json"}


def test_every_option_that_the_readme_names_exists() -> None:
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README))
    params = [param for command in commands().values() for param in command.params]
    known = {one for param in params for one in param.opts}

    of_pip = {"--quiet", "--require-hashes", "--no-deps", "--no-build-isolation", "--disable-pip"}
    assert told - known <= {"--help", *of_pip}


def test_the_readme_names_every_route_and_no_other(app: Flask) -> None:
    routes = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }

    assert {one for one in first_cells("HTTP") if one[0].isupper()} == routes


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/never-opened.sqlite")
    return create_app(settings, Ledger(settings, Shops(), Database(settings.database_url)))


class Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.names.add(name)
        return default


def test_the_readme_tells_every_setting_with_its_default() -> None:
    asked = Asked()
    settings = read_settings(asked)
    told = dict(re.findall(r"^\| `(LEDGER_\w+)` \| `?([^`|]+?)`? \|", README, re.MULTILINE))

    assert asked.names == {f"LEDGER_{one.name.upper()}" for one in fields(Settings)}
    assert told == {
        f"LEDGER_{one.name.upper()}": str(getattr(settings, one.name) or "–").replace("()", "–")
        for one in fields(Settings)
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
    "document", ["README.md", *(f"docs/{one.name}" for one in sorted((ROOT / "docs").glob("*.md")))]
)
def test_every_file_that_a_document_names_exists(document: str) -> None:
    path = ROOT / document
    text = path.read_text()
    linked = [path.parent / one for one in re.findall(r"\]\(([^)#:]+)\)", text)]
    named = [ROOT / one for one in re.findall(r"`((?:ledger|web|tests|docs)/[\w./]+)`", text)]

    packed = ROOT / "ledger" / "migrations"  # exists in a wheel only
    assert [one for one in (*linked, *named) if not one.exists() and one != packed] == []


# -- what no file may hold ----------------------------------------------------------------------


def files() -> list[Path]:
    """What is, or would be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [path for one in listed.stdout.split("\0") if (path := ROOT / one).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    folders = "|".join(("home", "root", "Users", "work", "mnt"))
    place = re.compile(rf"(?<![\w.:/}}>])/(?:{folders})/\w|\.\./shared|[\\]Users[\\]".encode())

    found = {
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in files()
        if path.suffix not in (".pyc", ".sqlite")
        for match in place.finditer(path.read_bytes())
        if path != Path(__file__)
    }

    assert found == set()
