"""Files that hold keys: only their owner can read them, and a power cut leaves them whole."""

import os
import secrets
import stat
from pathlib import Path

from ledger.errors import SettingsError


def refuse_exposed(path: Path, what: str) -> None:
    """Refuse a file that others on this machine can read or change.

    Errors: SettingsError with the command that closes it; OSError.
    """
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"others can read the {what} {path}: run `chmod 600 {path}`")


def write_new(path: Path, text: str) -> None:
    """Make a file, with its folder. Errors: FileExistsError when it is there; OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def replace_whole(path: Path, text: str) -> None:
    """Replace a file, so that after a power cut it holds the old text or the new one.

    Errors: SettingsError when it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        write_new(beside, text)
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error
