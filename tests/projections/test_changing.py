"""What `docs/changing-a-projection.md` walks through, done with two versions of the code; and
two servers beside each other."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import select

from ledger.application import Ledger
from ledger.projections import generations as g
from ledger.projections.registry import PROJECTIONS
from ledger.shops import FORM_HMAC, REST_PASSWORD
from ledger.storage.database import Database
from ledger.storage.tables import leases
from tests.builders import SHOP_ID, secret
from tests.conftest import opened
from tests.projections.brute_force import expected
from tests.projections.helpers import all_rows, eventually, positions, rows_of, tell, told
from tests.projections.test_exactly_once import SOME

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from ledger.cli import cli; cli()"]


def environment(folder: Path, url: str, code: Path) -> dict[str, str]:
    path = folder / "shops.toml"
    keys = "".join(
        f'[[shops.keys]]\nmode = "TEST"\nkind = "{kind}"\n'
        f'secret = "{secret(SHOP_ID, "TEST", kind)}"\n'
        for kind in (FORM_HMAC, REST_PASSWORD)
    )
    path.write_text(f'[[shops]]\nid = "{SHOP_ID}"\nname = "Boutique"\n{keys}')
    path.chmod(0o600)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    own = {"LEDGER_SHOPS_FILE": str(path), "LEDGER_DATABASE_URL": url, "PYTHONPATH": str(code)}
    return clean | own


def ledger_command(environ: dict[str, str], *told_to: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *told_to],
        env=environ,
        cwd=environ["PYTHONPATH"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def serving(environ: dict[str, str]) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
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
        eventually(lambda: answers(port))
        yield port, service
    finally:
        if service.poll() is None:
            service.send_signal(signal.SIGTERM)
            service.wait(30)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def changed_code(tmp_path: Path) -> Path:
    """The next version: transactions show the acquirer's network as well."""
    code = tmp_path / "next"
    for one in ("ledger", "web", "alembic"):
        shutil.copytree(ROOT / one, code / one, ignore=shutil.ignore_patterns("__pycache__"))
    module = code / "ledger" / "projections" / "transactions.py"
    text = module.read_text()
    column = '    Column("contract", Text),\n'
    assert text.count(column) == 1
    module.write_text(text.replace(column, column + '    Column("network", Text),\n'))
    return code


def status(environ: dict[str, str]) -> dict[str, object]:
    return dict(json.loads(ledger_command(environ, "projections", "status", "--json").stdout))


def test_a_column_is_added_beside_what_is_read_taken_back_and_pruned(
    postgres_url: str, tmp_path: Path, changed_code: Path
) -> None:
    old = environment(tmp_path, postgres_url, ROOT)
    new = environment(tmp_path, postgres_url, changed_code)
    with opened(postgres_url) as database, ExitStack() as old_server:
        ledger = told(database, *SOME)
        old_server.enter_context(serving(old))

        # the new code finds its view stale, and builds it beside the one that is read
        assert "stale: transactions; its code has changed" in ledger_command(new, "migrate").stdout
        assert status(new)["stale"] == ["transactions"]
        done = ledger_command(new, "rebuild", "transactions", "--workers", "2")
        assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
        assert done.stdout.startswith("transactions\tsame rows, other columns\tlive at ")
        assert "new columns: network" in done.stdout
        built = newest(ledger)

        # both codes follow their own; a notification reaches both
        with serving(new):
            tell(ledger, "duplicated")
            eventually(lambda: all_rows(ledger) == expected(ledger))
            wanted = [one.event.facts.get("network") for one in ledger.events.events_after(0, 1000)]
            assert any(wanted)
            eventually(lambda: len(shown(database, built)) == len(all_rows(ledger)["transactions"]))
            assert any(one["network"] for one in shown(database, built))

            # what the old servers follow stays
            assert ledger_command(new, "projections", "prune").stdout == ""
            old_server.close()
            tell(ledger, "refund-refused")
            eventually(lambda: reached(ledger, built) == ledger.events.high_water_mark())
            assert positions(ledger)["transactions"] < reached(ledger, built)

        # back to the old code: its generation is there and comes up to date by itself
        with serving(old):
            assert status(old)["stale"] == []
            eventually(lambda: all_rows(ledger) == expected(ledger))

        # forward for good: nobody follows the old one any more
        pruned = ledger_command(new, "projections", "prune").stdout
        assert re.fullmatch(r"dropped transactions generation 1 \(live, [0-9a-f]{12}\)\n", pruned)
        assert status(old)["stale"] == ["transactions"]


def newest(ledger: Ledger) -> int:
    with ledger.database.connect() as connection:
        return g.all_generations(connection, "transactions")[-1].id


def shown(database: Database, generation_id: int) -> list[dict[str, object]]:
    return rows_of(database, f"transactions_g{generation_id}")


def reached(ledger: Ledger, generation_id: int) -> int:
    with ledger.database.connect() as connection:
        return g.positions(connection, generation_id)[0]


def test_of_two_servers_one_follows_and_the_other_takes_over_when_it_is_killed(
    postgres_url: str, tmp_path: Path
) -> None:
    environ = environment(tmp_path, postgres_url, ROOT)
    with opened(postgres_url) as database:
        ledger = told(database, "payment-accepted")
        with serving(environ) as (_, first):
            eventually(lambda: leading(database) == {first.pid})
            with serving(environ) as (port, second):
                simulated = ledger_command(
                    environ, "simulate", "--url", f"http://127.0.0.1:{port}", "--count", "20"
                )
                assert simulated.returncode == 0, simulated.stderr
                eventually(lambda: at_the_edge(ledger), seconds=5)
                assert all_rows(ledger) == expected(ledger)
                assert leading(database) == {first.pid}

                os.killpg(first.pid, signal.SIGKILL)
                first.wait()
                tell(ledger, "refunded-in-part")

                eventually(lambda: at_the_edge(ledger), seconds=20)
                assert leading(database) == {second.pid}
                assert all_rows(ledger) == expected(ledger)
        with database.connect() as connection:
            left = list(connection.scalars(select(leases.c.name)))
    assert left == []  # one that stops in order lets others go on at once


def at_the_edge(ledger: Ledger) -> bool:
    return set(positions(ledger).values()) == {ledger.events.high_water_mark()}


def leading(database: Database) -> set[int]:
    """The services that hold the leases of all views: the parents of their workers."""
    with database.connect() as connection:
        found = list(connection.scalars(select(leases.c.holder)))
    if len(found) != len(PROJECTIONS):
        return set()
    return {parent(int(one.split(":")[1])) for one in found}


def parent(pid: int) -> int:
    try:
        return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
