"""`pipx run ipn-ledger`, as somebody types who has nothing of us but the name."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.faults.cluster import free_port
from tests.locks import ROOT, RUNTIME, project, versions_here
from tests.projections.helpers import eventually

SECONDS_MAX = 240
"""Installing takes most of it."""
HAS_PLAYED = "The service runs until Ctrl-C"


@dataclass(frozen=True)
class Pipx:
    """Pipx with a home of its own, which installs the wheel of this checkout as the locks say."""

    folder: Path
    wheel: Path

    def command(self, *words: str) -> list[str]:
        locked = "".join(f"{name}=={version}\n" for name, version in versions_here(RUNTIME).items())
        constraints = self.folder / "constraints.txt"
        constraints.write_text(locked)
        chosen = ["--spec", str(self.wheel), f"--pip-args=--constraint={constraints}"]
        return ["pipx", "run", *chosen, "ipn-ledger", *words]

    @property
    def environ(self) -> dict[str, str]:
        strange = ("LEDGER_", "PYTHON", "VIRTUAL_ENV", "PIPX_")
        clean = {name: text for name, text in os.environ.items() if not name.startswith(strange)}
        home = {"PIPX_HOME": str(self.folder / "home"), "PIPX_BIN_DIR": str(self.folder / "bin")}
        return clean | home


@pytest.fixture
def pipx(tmp_path: Path) -> Iterator[Pipx]:
    if shutil.which("pipx") is None:
        missing = "pipx is not installed: apt-get install pipx"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    words = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    yield Pipx(tmp_path, wheel)
    shutil.rmtree(tmp_path / "home", ignore_errors=True)  # it is large


def test_pipx_runs_the_demonstration_by_the_name_of_the_package(pipx: Pipx) -> None:
    """One test, since what takes long is installing."""
    version = subprocess.run(
        pipx.command("--version"),
        cwd=pipx.folder,
        env=pipx.environ,
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    assert version.returncode == 0, version.stderr
    assert version.stdout == f"ledger, version {project()['version']}\n"

    port = free_port()
    output_path = pipx.folder / "output"
    with output_path.open("w") as output:
        service = subprocess.Popen(
            pipx.command("serve", "--demo", "--port", str(port)),
            cwd=pipx.folder,
            env=pipx.environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        eventually(
            lambda: HAS_PLAYED in output_path.read_text() or service.poll() is not None,
            seconds=SECONDS_MAX,
        )
        assert service.poll() is None, output_path.read_text()
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            assert json.load(answer)["status"] == "ready"
        os.killpg(service.pid, signal.SIGINT)
        assert service.wait(60) == 0, output_path.read_text()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(service.pid, signal.SIGKILL)
        service.wait(10)
