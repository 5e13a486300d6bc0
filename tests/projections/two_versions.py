"""Run two versions of the code beside each other, as an operator does who changes a projection."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.ipn.shops_and_keys import FORM_HMAC, REST_PASSWORD
from tests.builders import KEYS_ENVIRON, SHOP_ID, secret
from tests.projections.helpers import eventually

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from ledger.cli import cli; cli()"]

Service = tuple[int, "subprocess.Popen[bytes]"]
"""Its port, and its process."""


def environment(folder: Path, url: str, code: Path) -> dict[str, str]:
    """Return the environment in which commands run this code on this database."""
    path = folder / "shops.toml"
    keys = "".join(
        f'[[shops.keys]]\nmode = "TEST"\nkind = "{kind}"\n'
        f'secret = "{secret(SHOP_ID, "TEST", kind)}"\n'
        for kind in (FORM_HMAC, REST_PASSWORD)
    )
    path.write_text(f'[[shops]]\nid = "{SHOP_ID}"\nname = "Boutique"\n{keys}')
    path.chmod(0o600)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    own = KEYS_ENVIRON | {
        "LEDGER_SHOPS_FILE": str(path),
        "LEDGER_DATABASE_URL": url,
        "PYTHONPATH": str(code),
    }
    return clean | KEYS_ENVIRON | own


def copy_with_network_column(code: Path) -> Path:
    """Copy the code, and let transactions show the acquirer's network as well."""
    for package in ("ledger", "web", "alembic"):
        shutil.copytree(ROOT / package, code / package, ignore=shutil.ignore_patterns("*.pyc.*"))
    module = code / "ledger" / "projections" / "transactions.py"
    text = module.read_text()
    column = '    Column("contract", Text),\n'
    assert text.count(column) == 1
    module.write_text(text.replace(column, column + '    Column("network", Text),\n'))
    return code


def run_ledger(environ: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *words],
        env=environ,
        cwd=environ["PYTHONPATH"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def stale_models(environ: dict[str, str]) -> list[str]:
    """Return the read models that this code has not built."""
    status = json.loads(run_ledger(environ, "projections", "status", "--json").stdout)
    return list(status["stale"])


@contextmanager
def serving(environ: dict[str, str]) -> Iterator[Service]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    service = subprocess.Popen(
        [*COMMAND, "serve", "--port", str(port), "--workers", "1", "--threads", "2"],
        env=environ,
        cwd=environ["PYTHONPATH"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually(lambda: _answers(port))
        yield port, service
    finally:
        if service.poll() is None:
            service.send_signal(signal.SIGTERM)
            service.wait(30)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
