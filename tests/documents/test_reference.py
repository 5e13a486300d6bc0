"""The reference is what the code says."""

from ledger.settings import read_settings
from tests.documents.reference import commands, settings_page


def test_every_command_has_a_help_for_every_option() -> None:
    missing = [
        f"{name} {param.opts[0]}"
        for name, command, _ in commands()
        for param in command.params
        if param.param_type_name == "option" and not getattr(param, "help", None)
    ]

    assert missing == []


class WatchedEnvironment(dict[str, str]):
    """An environment that remembers which names were read from it."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.names.add(name)
        return default


def test_every_variable_that_is_read_is_in_the_reference() -> None:
    environment = WatchedEnvironment()
    read_settings(environment)
    page = settings_page()

    assert [name for name in environment.names if f"| `{name}` |" not in page] == []
    assert "LEDGER_DATABASE_URL" in environment.names


def test_a_meaning_is_a_cell_of_a_table() -> None:
    for line in settings_page().splitlines():
        if line.startswith("| `LEDGER"):
            assert line.count(" | ") == 2, line
