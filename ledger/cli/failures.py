"""What a command says when it fails: one line, in words or as JSON, the rest when asked for."""

import json
import traceback
from collections.abc import Mapping

import click

from ledger.cli.databases import named_database, why_it_failed
from ledger.errors import LedgerError, ReadOnlyError, SettingsError, UnavailableError
from ledger.settings import read_settings
from ledger.storage.database_errors import failure_of_database, is_read_only
from ledger.storage.database_location import without_secrets
from ledger.storage.read_only import MEANING

DEBUG = "LEDGER_DEBUG"
"""The variable that, when set, shows where in the code a command failed."""


def report(error: Exception, environ: Mapping[str, str], *, as_json: bool = False) -> int:
    """Print why a command failed, and where when that is wanted; return its exit code.

    Shape: with `as_json` the last line is a document with the stable code and the message, and
    with notes where the error has some.
    """
    if environ.get(DEBUG):
        text = "".join(traceback.format_exception(error))
        url = environ.get("LEDGER_DATABASE_URL", "")
        click.echo(without_secrets(text, url), err=True, nl=False)
    message, code, exit_code = _in_words(error, environ)
    notes = getattr(error, "__notes__", [])
    if as_json:
        document = {"error": code, "message": message, **({"notes": notes} if notes else {})}
        click.echo(json.dumps(document, ensure_ascii=False), err=True)
        return exit_code
    click.echo(f"{click.style('error', fg='red')}: {message} ({code})", err=True)
    for note in notes:
        click.echo(note, err=True)
    return exit_code


def _in_words(error: Exception, environ: Mapping[str, str]) -> tuple[str, str, int]:
    """Return what failed in words, its stable code and the exit code.

    Shape: 2 for what the operator can set right, 1 for what was refused or is our own mistake.
    """
    if isinstance(error, LedgerError) and not isinstance(error, UnavailableError):
        return str(error), error.code, 2 if isinstance(error, SettingsError) else 1
    failure = failure_of_database(error)
    if failure is not None:
        settings = read_settings(environ)
        if is_read_only(error):
            return f"{named_database(settings, environ)}: {MEANING}", ReadOnlyError.code, 2
        where, reason = named_database(settings, environ), why_it_failed(settings, failure)
        return f"the database {where} does not answer: {reason}", UnavailableError.code, 2
    if isinstance(error, LedgerError):
        return str(error), error.code, 2
    if isinstance(error, OSError) and error.strerror:
        path = f"{error.filename}: " if error.filename else ""
        return f"{path}{error.strerror}", "bad-file", 2
    more = f"{DEBUG}=1 shows where"
    return f"this is a mistake of ours, {type(error).__name__}: {more}", "internal-error", 1
