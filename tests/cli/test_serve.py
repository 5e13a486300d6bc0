"""Start the service, refuse to start it, and run the demonstration from end to end."""

import os
import re
import shlex
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from click.testing import Result

from ledger.access.users import add_user, check_password, user_by_name
from ledger.cli import demo
from ledger.errors import SettingsError
from ledger.ipn.shops_and_keys import read_shops
from ledger.operations import logs
from tests.builders import NOON
from tests.cli.test_check import environment, key
from tests.cli.test_check import run as run_here
from tests.conftest import opened

ROOT = Path(__file__).resolve().parents[2]
LEDGER = [sys.executable, "-c", "from ledger.cli import cli; cli()"]


def run(folder: Path, environ: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    return subprocess.run(
        [*LEDGER, "serve", "--port", "0", *options],
        cwd=folder,
        env=clean | {"PYTHONPATH": str(ROOT)} | environ,
        capture_output=True,
        text=True,
        timeout=120,
        start_new_session=True,
        check=False,
    )


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Start a service in this process, which must end before it serves."""
    monkeypatch.setattr(logs, "configure", lambda *_: None)  # they are the suite's own here
    return lambda environ, *options: run_here(environ, "serve", "--port", "0", *options)


def test_without_shops_nothing_is_served(tmp_path: Path) -> None:
    done = run(tmp_path, {})

    assert done.returncode == 2
    assert done.stderr == "error: shops file: LEDGER_SHOPS_FILE is not set\n"


def test_forms_of_real_money_are_not_served_from_anywhere(
    start: Callable[..., Result], tmp_path: Path
) -> None:
    result = start(environment(tmp_path, key("PRODUCTION")))

    assert result.exit_code == 2
    assert "LEDGER_ALLOWED_SOURCES=194.50.38.0/24" in result.stderr


def test_the_demonstration_names_where_its_platform_is() -> None:
    assert demo.environment({})["LEDGER_ALLOWED_SOURCES"] == "127.0.0.0/8 ::1"
    assert demo.environment({"LEDGER_ALLOWED_SOURCES": "any"})["LEDGER_ALLOWED_SOURCES"] == "any"


def test_each_fault_of_the_shops_has_a_line(start: Callable[..., Result], tmp_path: Path) -> None:
    empty = "not_before = 2026-02-01T00:00:00Z\nnot_after = 2026-01-01T00:00:00Z"
    environ = environment(tmp_path, key(more=empty), key("PRODUCTION", more=empty))

    done = start(environ)

    assert done.exit_code == 2
    assert done.stderr.count("error: key: ") == 2


def test_old_tables_are_not_migrated_behind_the_operator(
    start: Callable[..., Result], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        connection.execute("CREATE TABLE something (id)")

    done = start(environment(tmp_path, key()))

    assert done.exit_code == 2
    assert "run `ledger migrate`" in done.stderr


def test_keys_of_sha_1_are_warned_of_once(tmp_path: Path) -> None:
    weak = (key(mode, "form-sha1") for mode in ("TEST", "PRODUCTION"))
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        connection.execute("CREATE TABLE something (id)")

    done = run(tmp_path, environment(tmp_path, *weak))

    assert done.stderr.count("keys.weak") == 1
    assert done.stderr.count("chosen-prefix collisions") == 2


def test_a_database_that_does_not_answer_is_one_line(
    start: Callable[..., Result], tmp_path: Path
) -> None:
    url = "postgresql://ledger:pa55word@127.0.0.1:1/ledger"

    done = start(environment(tmp_path, key()) | {"LEDGER_DATABASE_URL": url})

    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert "pa55word" not in done.stderr


def test_a_second_service_on_the_same_address_is_refused(
    start: Callable[..., Result], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        done = start(environment(tmp_path, key()), "--port", port)

    assert done.exit_code == 2
    assert f"cannot listen on 127.0.0.1:{port}: " in done.stderr
    assert f"another process listens there: try --port {int(port) + 1}" in done.stderr


def test_the_shops_of_the_demonstration_are_synthetic_and_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    path = Path(demo.environment({})["LEDGER_SHOPS_FILE"])

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    shops = read_shops(path, {})
    secrets = [key.secret for shop in shops.shop_by_id.values() for key in shop.keys]
    assert len(secrets) == len(set(secrets)) == 12


def test_the_demonstration_never_uses_the_shops_of_the_operator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    environ = demo.environment({"LEDGER_SHOPS_FILE": "/etc/ledger/shops.toml"})

    assert environ["LEDGER_SHOPS_FILE"] == "var/demo-shops.toml"


def test_the_demonstration_runs_once_from_nothing_and_then_goes_on_serving(tmp_path: Path) -> None:
    once = run(tmp_path, {}, "--demo", "--once")

    assert once.returncode == 0, once.stderr
    assert "ledger history transaction" in once.stdout
    secrets = {"demo-shops.toml", "demo-secret-key", "demo-password"}
    files = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "var").iterdir()}
    keys = {"demo.masters.toml", "demo.log-key", "demo.log-key.last", "demo.log-key.lock"}
    assert files == dict.fromkeys(("demo.sqlite", *secrets, *keys), 0o600)
    exports = re.findall(r"^  (export .*)", once.stdout, re.M)
    assert_check_finds_no_fault(tmp_path, exports)
    assert_names_the_payment_that_was_never_told(tmp_path, exports, once.stdout)
    assert_goes_on_serving(tmp_path)


def assert_check_finds_no_fault(tmp_path: Path, exports: list[str]) -> None:
    """Set what the demonstration prints, and check."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    checked = subprocess.run(
        ["bash", "-c", "\n".join([*exports, shlex.join([*LEDGER, "check"])])],
        cwd=tmp_path,
        env=clean | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "pages answer 503" not in checked.stdout


def assert_names_the_payment_that_was_never_told(
    tmp_path: Path, exports: list[str], stdout: str
) -> None:
    """Run the command that the demonstration prints for the day with a gap."""
    assert re.search(r"^  http://127\.0\.0\.1:\d+/test/completeness$", stdout, re.M)
    (arguments,) = re.findall(r"ledger (reconcile .*)", stdout)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    compared = subprocess.run(
        ["bash", "-c", "\n".join([*exports, f"{shlex.join(LEDGER)} {arguments}"])],
        cwd=tmp_path,
        env=clean | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert compared.returncode == 1, compared.stderr
    (line,) = compared.stdout.splitlines()
    assert line.endswith("never-told")


def assert_goes_on_serving(tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    with subprocess.Popen(
        [*LEDGER, "serve", "--port", "0", "--demo"],
        cwd=tmp_path,
        env=clean | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as service:
        assert service.stdout
        lines = [next(line for line in service.stdout if "ledger notifications list" in line)]
        lines += [next(service.stdout) for _ in range(4)]
        password = (tmp_path / "var" / "demo-password").read_text()

        assert re.fullmatch(r"  http://127\.0\.0\.1:\d+/test\n", lines[-2])
        assert lines[-1] == f"  name demo, password {password}\n"
        assert service.poll() is None
        for process in (psutil.Process(service.pid), *psutil.Process(service.pid).children()):
            assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0), "no dump of the memory with keys"
        service.send_signal(signal.SIGTERM)
        assert service.wait(30) == 0


def test_the_demonstration_lets_its_user_in_again_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with opened(sqlite_url) as database:
        demo.add_demo_user(database)
        first = demo.PASSWORD_FILE.read_text()
        demo.add_demo_user(database)

        with database.connect() as connection:
            user = user_by_name(connection, demo.USER)
        assert demo.PASSWORD_FILE.read_text() == first
        assert check_password(user, first)
        assert user is not None
        assert (user.role, user.shops) == ("operator", ("10000001", "10000002"))

        demo.PASSWORD_FILE.unlink()
        demo.add_demo_user(database)

        with database.connect() as connection:
            user = user_by_name(connection, demo.USER)
        assert demo.PASSWORD_FILE.read_text() != first
        assert check_password(user, demo.PASSWORD_FILE.read_text())


def test_the_demonstration_takes_over_nobodys_access(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_url: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with opened(sqlite_url) as database:
        with database.begin() as connection:
            add_user(
                connection, name="Demo", password="velvet tractor onion", role="auditor", now=NOON
            )

        with pytest.raises(SettingsError, match="not the demonstration's"):
            demo.add_demo_user(database)
