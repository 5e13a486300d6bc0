"""Which database a command works on: how it is named, and what to do where there is none."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from ledger.errors import SettingsError
from ledger.settings import Settings
from ledger.storage.database_errors import words_of
from ledger.storage.database_location import masked_url, missing_file, obstacle, without_secrets

_VARIABLE = "LEDGER_DATABASE_URL"
_DEMO_DATABASE, _DEMO_SHOPS = Path("var/demo.sqlite"), Path("var/demo-shops.toml")


def named_database(settings: Settings, environ: Mapping[str, str]) -> str:
    """Return the database's URL without passwords, and which setting it comes from."""
    source = _VARIABLE if environ.get(_VARIABLE) else f"the default: {_VARIABLE} is not set"
    return f"{masked_url(settings.database_url)} ({source})"


def why_it_failed(settings: Settings, failure: SQLAlchemyError) -> str:
    """Return the database's own reason, or what stands in the place of its file."""
    url = settings.database_url
    return obstacle(url) or without_secrets(words_of(failure), url)


def refuse_missing(settings: Settings, environ: Mapping[str, str]) -> None:
    """Refuse to read a file that is not there, before anything makes an empty one.

    Errors: SettingsError; its notes are the lines that lead to a demonstration in this folder.
    """
    where = named_database(settings, environ)
    if reason := obstacle(settings.database_url):
        raise SettingsError(f"the database {where} cannot be opened: {reason}")
    path = missing_file(settings.database_url)
    if path is None:
        return
    error = SettingsError(
        f"no ledger at {where}: there is no file {path};"
        f" set {_VARIABLE}, or make one by `ledger serve` or `ledger migrate`"
    )
    if _DEMO_DATABASE.exists():
        error.add_note("the demonstration's ledger is in this folder:")
        error.add_note(f"  export {_VARIABLE}=sqlite:///{_DEMO_DATABASE}")
        error.add_note(f"  export LEDGER_SHOPS_FILE={_DEMO_SHOPS}")
    raise error
