"""What one backup consists of: a folder in each of two places, and a list of it in both."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from ledger.errors import SettingsError
from ledger.sealing.key_file import write_new

LIST = "backup.json"
MASTERS, LOG_KEY, MEMORY = "masters.toml", "log-key", "log-key.last"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class BackupSet:
    """One backup. Shape: `database` is its file; `masters` are the ids of the master keys, and
    `checkpoint` what was signed last before it, empty without a log key. Hashes are SHA-256, by the
    names of files."""

    made_at: str
    database: str
    masters: list[str]
    checkpoint: str
    data_hashes: dict[str, str]
    key_hashes: dict[str, str]
    format: int = FORMAT


def write_list(folder: Path, backup_set: BackupSet) -> None:
    """Write the list of a backup into one of its folders."""
    written = orjson.dumps(asdict(backup_set), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    write_new(folder / LIST, f"{written.decode()}\n")


def read_data_set(folder: Path) -> BackupSet:
    """Read the list of a copy of a database, and check its file. Errors: SettingsError."""
    backup_set = _read(folder)
    _check(folder, backup_set.data_hashes)
    return backup_set


def read_key_set(folder: Path) -> BackupSet:
    """Read the list of a copy of keys, and check its files. Errors: SettingsError."""
    backup_set = _read(folder)
    _check(folder, backup_set.key_hashes)
    return backup_set


def hash_of(file: Path) -> str:
    """Return the SHA-256 of a file, read in parts."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _read(folder: Path) -> BackupSet:
    try:
        backup_set = BackupSet(**orjson.loads((folder / LIST).read_bytes()))
    except OSError as error:
        raise SettingsError(f"{folder} is no backup: {LIST}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise SettingsError(f"the list {folder / LIST} cannot be read") from error
    if backup_set.format != FORMAT:
        raise SettingsError(f"the backup {folder} is of another version of this program")
    return backup_set


def _check(folder: Path, hashes: Mapping[str, str]) -> None:
    for name, expected in hashes.items():
        try:
            is_same = hash_of(folder / name) == expected
        except OSError as error:
            raise SettingsError(f"the backup {folder} lacks {name}: {error.strerror}") from error
        if not is_same:
            raise SettingsError(f"{folder / name} is not as it was written: it was changed or cut")
