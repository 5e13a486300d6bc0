"""The rooms of the code: which package may import which, and which library is used where."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

FLOORS = (
    "ledger.errors",
    "ledger.setting_texts",
    "ledger.settings",
    "ledger.instants",
    "ledger.operations",
    "ledger.ipn",
    "ledger.aggregates",
    "ledger.storage",
    "ledger.sealing",
    "ledger.recording",
    "ledger.application",
    "ledger.projections",
    "ledger.projections.engine",
    "ledger.access",
    "ledger.queries",
    "ledger.proof",
    "ledger.privacy",
    "ledger.drift",
    "ledger.reconciliation",
    "ledger.asking",
    "ledger.publishing",
    "ledger.audit",
    "ledger.alerting",
    "ledger.simulator",
    "ledger.cli",
    "ledger.__main__",
    "web",
)
"""From the ground up: a room imports itself and what stands before it, and nothing else of ours."""

UPWARDS = {
    ("ledger.cli.serve", "web"),
    ("ledger.cli.bundle", "web"),
    ("ledger.cli.export_accounting", "web"),
}
"""The command that serves builds the Flask application, a bundle has the history as the pages print
it, and a file for accountants speaks as the pages do: three modules of the command line look up."""

LIBRARIES: dict[str, tuple[str, ...]] = {
    "ledger.settings": (),
    "ledger.operations": ("distributed", "granian", "prometheus_client", "structlog"),
    "ledger.ipn": ("marshmallow", "orjson"),
    "ledger.aggregates": ("eventsourcing",),
    "ledger.storage": (
        "alembic", "backports", "eventsourcing", "fsspec", "orjson", "sqlalchemy", "ulid",
    ),
    "ledger.sealing": ("cryptography", "sqlalchemy"),
    "ledger.recording": ("sqlalchemy", "structlog", "ulid"),
    "ledger.application": (),
    "ledger.projections": ("msgspec", "sqlalchemy"),
    "ledger.projections.engine": ("msgspec", "sqlalchemy", "structlog"),
    "ledger.access": ("argon2", "pyotp", "sqlalchemy", "zxcvbn"),
    "ledger.queries": ("orjson", "pyarrow", "sqlalchemy", "ulid", "xlsxwriter"),
    "ledger.proof": (
        "cryptography", "orjson", "requests", "rfc3161_client", "sqlalchemy", "structlog", "ulid",
    ),
    "ledger.privacy": ("orjson", "sqlalchemy", "ulid"),
    "ledger.drift": ("sqlalchemy",),
    "ledger.reconciliation": ("orjson", "sqlalchemy", "ulid"),
    "ledger.asking": ("requests", "sqlalchemy", "structlog"),
    "ledger.publishing": ("nats", "orjson", "redis", "sqlalchemy"),
    "ledger.alerting": ("sqlalchemy", "structlog"),
    "ledger.audit": ("msgspec", "orjson", "sqlalchemy"),
    "ledger.simulator": ("ulid",),
    "ledger.cli": ("alembic", "click", "orjson", "rich", "sqlalchemy", "structlog", "ulid"),
    "web": (
        "alembic", "authlib", "babel", "flask", "flask_limiter", "flask_smorest", "flask_wtf",
        "itsdangerous", "jinja2", "joserfc", "markupsafe", "marshmallow", "orjson", "requests",
        "segno", "sqlalchemy", "structlog", "ulid", "werkzeug",
    ),
}  # fmt: skip
"""The libraries each room may use beside the standard one; a room without a row uses none."""


def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    path_by_module = {}
    for package in ("ledger", "web"):
        for path in (ROOT / package).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            path_by_module[".".join(part for part in parts if part != "__init__")] = path
    return path_by_module


MODULES = modules()


def imported(path: Path) -> Iterator[str]:
    """What a file imports, wherever in the file the import stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else node.module


IMPORTS = {module: set(imported(path)) for module, path in MODULES.items()}


def room_of(module: str) -> str:
    """The innermost room that holds a module."""
    rooms = [room for room in FLOORS if f"{module}.".startswith(f"{room}.")]
    return max(rooms, key=len, default=module)


def own_imports(module: str) -> set[str]:
    return {name for name in IMPORTS[module] if name.partition(".")[0] in ("ledger", "web")}


def test_every_module_is_in_a_room() -> None:
    assert {room_of(module) for module in MODULES} == {*FLOORS, "ledger"}
    assert own_imports("ledger") == set()


@pytest.mark.parametrize("room", FLOORS)
def test_a_room_imports_itself_and_what_stands_below(room: str) -> None:
    below = {"ledger", *FLOORS[: FLOORS.index(room) + 1]}
    upwards = {
        (module, name)
        for module in MODULES
        if room_of(module) == room
        for name in own_imports(module)
        if room_of(name) not in below and (module, room_of(name)) not in UPWARDS
    }

    assert upwards == set()


def test_every_exception_is_needed() -> None:
    needed = {
        (module, room_of(name)) for module, _ in UPWARDS for name in own_imports(module)
    } & UPWARDS

    assert needed == UPWARDS


def test_no_files_import_each_other_in_a_circle() -> None:
    remaining = {module: own_imports(module) & MODULES.keys() - {module} for module in MODULES}
    while free := {module for module, names in remaining.items() if not names & remaining.keys()}:
        remaining = {module: names for module, names in remaining.items() if module not in free}

    assert set(remaining) == set()


def test_no_import_hides_from_the_running_program() -> None:
    hiding = [module for module, path in MODULES.items() if "TYPE_CHECKING" in path.read_text()]

    assert hiding == []


def test_a_room_uses_its_libraries_and_no_others() -> None:
    used: dict[str, set[str]] = {room: set() for room in LIBRARIES}
    for module, names in IMPORTS.items():
        tops = {name.partition(".")[0] for name in names}
        used.setdefault(room_of(module), set()).update(
            tops - sys.stdlib_module_names - {"ledger", "web"}
        )

    assert {room: sorted(names) for room, names in used.items() if names} == {
        room: sorted(names) for room, names in LIBRARIES.items() if names
    }


def test_the_event_library_is_imported_in_few_modules() -> None:
    users = {
        module
        for module, names in IMPORTS.items()
        if any(name.partition(".")[0] == "eventsourcing" for name in names)
    }

    assert users == EVENT_LIBRARY_USERS


EVENT_LIBRARY_USERS = {
    "ledger.aggregates.aggregate",
    "ledger.aggregates.event",
    "ledger.storage.database_errors",
    "ledger.storage.event_mapper",
    "ledger.storage.event_recorder",
}
"""The library's next major is a day's work as long as no other module knows it."""


def test_no_module_is_named_after_nothing() -> None:
    nameless = {"utils", "util", "helpers", "helper", "common", "misc", "base"}

    assert [name for name in MODULES if nameless & set(name.split("."))] == []


def test_the_root_of_the_package_holds_the_ground_and_the_door() -> None:
    files = {path.name for path in (ROOT / "ledger").glob("*.py")}

    ground = {"__init__.py", "application.py", "errors.py", "instants.py", "settings.py"}
    assert files == {*ground, "setting_texts.py", "__main__.py"}


def test_the_migrations_do_not_hide_their_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
