"""This checkout and another one, each with databases and keys of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from bench.ground import MASTER_KEYS, ROOT, postgres_database
from ledger.instants import utc_now
from ledger.proof.signer import create_key
from ledger.sealing.master_keys import create_master_keys

SCRIPT = Path(__file__).with_name("in_checkout.py")
LOG_KEY = "LEDGER_LOG_KEY_FILE"
NOW, BEFORE = "now", "before"


@dataclass(frozen=True, slots=True)
class Checkout:
    """The code in a folder, and a ledger that it works on."""

    label: str
    folder: Path
    url: str
    environ: Mapping[str, str]

    @property
    def is_now(self) -> bool:
        """Return True for the code that is measured, and False for that before it."""
        return self.label == NOW

    def run(self, step: str, *arguments: str) -> dict[str, Any]:
        """Run a step of `in_checkout.py` with this code. Errors: ValueError says what failed."""
        done = subprocess.run(
            [sys.executable, "-P", str(SCRIPT), step, self.url, *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environ},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ValueError((done.stderr.strip().splitlines() or ["no reason given"])[-1])
        printed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return printed


@contextmanager
def checkout(
    name: str, place: str | Path, keys: Path, folder: Path | None = None
) -> Iterator[Checkout]:
    """Make a ledger of its own. Shape: `place` is a URL on a server, or a folder for a file."""
    label = BEFORE if folder else NOW
    keys = keys / f"keys-{name}"
    keys.mkdir()
    create_master_keys(keys / "masters.toml", utc_now())
    create_key(keys / "log-key", f"bench.example.com/{name}")
    files = {MASTER_KEYS: keys / "masters.toml", LOG_KEY: keys / "log-key"}
    environ = {variable: str(file) for variable, file in files.items()}
    environ["PYTHONPATH"] = str(folder or ROOT)
    if isinstance(place, Path):
        yield Checkout(label, folder or ROOT, f"sqlite:///{place / name}.sqlite", environ)
        return
    parsed = make_url(place)
    server = parsed.set(database="postgres").render_as_string(hide_password=False)
    with postgres_database(server, f"{parsed.database}_{name}") as url:
        yield Checkout(label, folder or ROOT, url, environ)
