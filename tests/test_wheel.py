"""Install the wheel away from the checkout, and try that it works by itself."""

import ctypes
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from tests.cli.test_check import environment, key

ROOT = Path(__file__).resolve().parents[1]
UNIT = ROOT / "deploy" / "ledger.service"
NO_NEW_PRIVILEGES, DENY_WRITE_EXECUTE = 38, 65
"""Options of prctl, by which systemd does `NoNewPrivileges` and `MemoryDenyWriteExecute`."""
FROM_CHECKOUT = ("LEDGER_", "PYTHON", "VIRTUAL_ENV")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a new environment with the wheel in it; the libraries are those of the tests.

    A `.pth` adds their folder without reading the `.pth` files in it, so that the checkout,
    which the tests use in place, does not come before the wheel.
    """
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=True)
    run(folder, "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel))
    (libraries,) = (folder / "venv").glob("lib/python*/site-packages")
    (libraries / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def clean(environ: dict[str, str]) -> dict[str, str]:
    inherited = {
        name: text for name, text in os.environ.items() if not name.startswith(FROM_CHECKOUT)
    }
    return inherited | environ


def run(folder: Path, name: str, *arguments: str, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(folder / "venv" / "bin" / name), *arguments],
        cwd=folder,
        env=clean(environ or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def serving(folder: Path, environ: dict[str, str]) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = [*words_of_the_unit(), "--port", str(port)]
    with subprocess.Popen(
        [str(folder / "venv" / "bin" / "ledger"), *words],
        cwd=folder,
        env=clean(environ),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        umask=0o077,
        preexec_fn=confine,
    ) as service:
        try:
            yield _ready(f"http://127.0.0.1:{port}")
        finally:
            service.terminate()
            assert service.wait(30) == 0


def words_of_the_unit() -> list[str]:
    """Return what systemd starts the installed command with."""
    (line,) = re.findall(r"^ExecStart=(.+)$", UNIT.read_text(), re.MULTILINE)
    program, *words = shlex.split(line)
    assert program == "/opt/ledger/bin/ledger"
    return words


def confine() -> None:
    """Take from a process what the unit takes and no root is needed for, where the kernel can."""
    libc = ctypes.CDLL(None)
    for option in (NO_NEW_PRIVILEGES, DENY_WRITE_EXECUTE):
        libc.prctl(option, 1, 0, 0, 0)


def _ready(url: str) -> str:
    until = monotonic() + 30
    while monotonic() < until:
        try:
            with urlopen(f"{url}/readyz", timeout=5):
                return url
        except (URLError, OSError):
            sleep(0.1)
    raise AssertionError("the service did not become ready")


def _page(url: str, language: str) -> str:
    with urlopen(Request(url, headers={"Accept-Language": language}), timeout=5) as response:
        return str(response.read().decode())


def test_the_wheel_is_what_runs(installed: Path) -> None:
    code = "import ledger, web; print(ledger.__file__, web.__file__, ledger.__version__)"

    ledger_file, web_file, version = run(installed, "python", "-c", code).split()

    assert Path(ledger_file).is_relative_to(installed)
    assert Path(web_file).is_relative_to(installed)
    assert version != "0"
    for words in (["ledger"], ["ipn-ledger"], ["python", "-P", "-m", "ledger"]):
        assert run(installed, *words, "--version") == f"ledger, version {version}\n"


def test_the_wheel_holds_what_it_needs_and_no_more(installed: Path) -> None:
    (wheel,) = installed.glob("*.whl")
    code = "import sys, zipfile; print('\\n'.join(zipfile.ZipFile(sys.argv[1]).namelist()))"

    names = run(installed, "python", "-c", code, str(wheel)).split()

    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "ledger",
        "web",
        "ipn_ledger",
    }
    assert "ledger/migrations/env.py" in names
    assert "ledger/simulator/form_v2.toml" in names
    assert "web/static/htmx-LICENSE.txt" in names
    assert [name for name in names if name.endswith(".dist-info/sboms/htmx.cdx.json")] != []
    assert [name for name in names if "__pycache__" in name] == []


def test_started_as_by_the_unit_it_serves_receives_and_answers(
    installed: Path, tmp_path: Path
) -> None:
    environ = environment(tmp_path, key(), key(kind="rest-password"))

    assert run(installed, "ledger", "migrate", environ=environ).startswith("applied ")
    environ["LEDGER_SECRET_KEY"] = "a synthetic key of enough letters"
    with serving(installed, environ) as url:
        sign_in = _page(f"{url}/sign-in", "fr")
        style = re.findall(r'href="(/static/[^"]+[.]css[^"]+)"', sign_in)
        assert "Se connecter" in sign_in
        assert "--accent" in _page(url + style[0], "fr")
        printed = run(
            installed, "ledger", "simulate", "--url", url, "--story", "changed-and-cancelled",
            "--seed", "3", "--json", environ=environ,
        )  # fmt: skip
    (life,) = json.loads(printed)["lives"]
    (expected,) = life["expected"]
    history = run(installed, "ledger", "history", "transaction", expected["id"], environ=environ)

    assert {message["status"] for message in life["messages"]} == {200}
    assert "Amount changed" in history
    assert "→ CANCELLED" in history
