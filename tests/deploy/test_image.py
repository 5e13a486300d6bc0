"""The image is built without a daemon from the Dockerfile that everybody builds, and serves."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest

from ledger import __version__
from tests.faults.cluster import free_port
from tests.locks import RUNTIME, installed, needed, pins
from tests.log_lines import check_lines
from tests.projections.helpers import eventually

ROOT = Path(__file__).resolve().parents[2]
BASE_PACKAGES = "python3,python3-venv,python-is-python3,ca-certificates,passwd"
"""What Debian needs on top of its essential packages to be a base."""
VENV = "/opt/ledger"
OF_EVERY_VENV = r"pyvenv\.cfg|lib64|bin/(?:[Aa]ctivate[.\w]*|python[.\d]*)"
USER_ID = 10001
START_SECONDS_MAX = 120
GRACE_SECONDS = 45
"""How long the manifests of Kubernetes let a pod end."""


@dataclass(frozen=True)
class Images:
    """Images and containers in a folder of their own, made by buildah as root."""

    folder: Path

    def command(self, *words: str | Path) -> list[str]:
        places = ("--root", self.folder / "images", "--runroot", self.folder / "run")
        return ["buildah", *map(str, (*places, "--storage-driver", "vfs", *words))]

    def call(self, *words: str | Path) -> str:
        return output_of(self.command(*words))

    def build_base(self) -> str:
        """Make `localhost/base` of this machine's own Debian. Shape: the version of its Python."""
        container = self.call("from", "scratch")
        release = output_of(["sh", "-c", '. /etc/os-release; echo "$VERSION_CODENAME"'])
        chosen = ["--variant=essential", f"--include={BASE_PACKAGES}"]
        quick = ["--dpkgopt=force-unsafe-io", "--quiet"]
        output_of(["mmdebstrap", *chosen, *quick, release, self.call("mount", container)])
        asked_version = ("python", "-c", "import platform; print(platform.python_version())")
        python_version = self.call(*in_container(container, *asked_version))
        self.call("commit", "--quiet", "--rm", container, "base")
        return python_version

    def build(self, python_version: str) -> str:
        """Build the Dockerfile on the base, with what this machine has fetched by the lock."""
        wheels, pip_settings = self.folder / "wheels", self.folder / "pip.conf"
        source = ["--dest", str(wheels), "--requirement", str(ROOT / "requirements.lock")]
        chosen = ["--require-hashes", "--only-binary=:all:", "--python-version", python_version]
        output_of([shutil.which("python3") or "", "-m", "pip", "download", "-q", *chosen, *source])
        pip_settings.write_text("[global]\nno-index = true\nfind-links = /wheels\n")
        volumes = [f"--volume={wheels}:/wheels:ro", f"--volume={pip_settings}:/etc/pip.conf:ro"]
        kind = ["--isolation=chroot", "--format=docker", "--pull-never", "--quiet"]
        self.call(
            "bud", *kind, *volumes, "--build-arg=BASE_IMAGE=localhost/base", "--tag=ledger", ROOT
        )
        return "localhost/ledger"


def in_container(container: str, *words: str) -> tuple[str, ...]:
    return "run", "--isolation=chroot", container, "--", *words


def output_of(command_words: list[str]) -> str:
    """Run a command, and fail with its words."""
    ran = subprocess.run(command_words, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"{command_words}: {ran.stdout[-2000:]}{ran.stderr[-4000:]}"
    return ran.stdout.strip()


def what_is_missing() -> str | None:
    """Return what this machine lacks to build an image, in words."""
    for name in ("buildah", "mmdebstrap"):
        if shutil.which(name) is None:
            return f"{name} is not installed: apt-get install {name}"
    if os.geteuid() != 0:
        return "only root can build a base and run it in a chroot"
    namespace = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    if namespace.returncode != 0:
        return "this machine lets nobody make mount namespaces: unshare --mount"
    return None


@pytest.fixture
def images() -> Iterator[Images]:
    """A folder that is gone afterwards: images are large."""
    if missing := what_is_missing():
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with tempfile.TemporaryDirectory(prefix="ledger-image-") as folder:
        yield Images(Path(folder))


@contextmanager
def serving_demo(images: Images, container: str, port: int) -> Iterator[psutil.Process]:
    """Run the demo; yield the process that an engine of containers would signal."""
    words = in_container(container, "ledger", "serve", "--demo", "--port", str(port))
    with (images.folder / "out").open("w") as out, (images.folder / "log").open("w") as log:
        runner = subprocess.Popen(images.command(*words), stdout=out, stderr=log)
    first_process: psutil.Process | None = None
    try:
        eventually(lambda: first_of_the_container(runner) is not None or runner.poll() is not None)
        first_process = first_of_the_container(runner)
        assert first_process is not None, (images.folder / "log").read_text()
        yield first_process
        assert runner.wait(GRACE_SECONDS) == 0, (images.folder / "log").read_text()
    finally:
        for process in (first_process, runner):
            if process is not None:
                with suppress(psutil.NoSuchProcess, ProcessLookupError):
                    process.kill()
        runner.wait(10)


def first_of_the_container(runner: subprocess.Popen[bytes]) -> psutil.Process | None:
    """Return the process that the image's words started."""
    for child in psutil.Process(runner.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.cmdline()[:3] == [f"{VENV}/bin/python", f"{VENV}/bin/ledger", "serve"]:
                return child
    return None


def get(port: int, path: str) -> dict[str, Any]:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
        return dict(json.load(response))


def is_served(port: int) -> Callable[[], bool]:
    def answers() -> bool:
        with suppress(OSError):
            return get(port, "/healthz") == {"status": "ok"}
        return False

    return answers


def strays(venv: Path, packages: dict[str, Distribution]) -> list[str]:
    """Return the files of a virtual environment that neither it nor a package has brought."""
    owned = {
        Path(os.path.normpath(package.locate_file(file)))
        for package in packages.values()
        for file in package.files or ()
    }
    present = {path for path in venv.rglob("*") if path.is_file() or path.is_symlink()}
    names = [str(path.relative_to(venv)) for path in present - owned]
    return [name for name in names if not re.fullmatch(OF_EVERY_VENV, name)]


def test_the_image_is_built_without_a_daemon_and_serves_until_it_is_told_to_stop(
    images: Images,
) -> None:
    """One test, since what takes long is building it."""
    image = images.build(images.build_base())
    container = images.call("from", "--pull-never", image)
    config = json.loads(images.call("inspect", "--type=image", image))["Docker"]["config"]
    health = config["Healthcheck"]["Test"]
    port = free_port()

    with serving_demo(images, container, port) as first_process:
        eventually(is_served(port), seconds=START_SECONDS_MAX)
        output_path = images.folder / "out"
        eventually(
            lambda: "The service runs until" in output_path.read_text(), seconds=START_SECONDS_MAX
        )

        assert get(port, "/readyz")["status"] == "ready"
        assert first_process.uids().real == first_process.gids().real == USER_ID
        assert health[0] == "CMD"
        of_this_port = [word.replace(":8000/", f":{port}/") for word in health[1:]]
        images.call(*in_container(container, *of_this_port))

        first_process.terminate()

    check_lines((images.folder / "log").read_text())
    assert config["User"] == f"{USER_ID}:{USER_ID}"
    assert [variable.split("=")[0] for variable in config["Env"]] == ["PATH", "LEDGER_LOG_FORMAT"]
    mounted = Path(images.call("mount", container))
    (site_packages,) = mounted.glob(f"{VENV[1:]}/lib/python3*/site-packages")
    packages = installed(site_packages)
    assert packages.keys() == needed(["ipn-ledger"], packages).keys(), "no more than is needed"
    locked = {(pin.name, pin.version) for pin in pins(RUNTIME)} | {("ipn-ledger", __version__)}
    assert {(name, package.version) for name, package in packages.items()} <= locked
    assert strays(mounted / VENV[1:], packages) == [], "a file that is in no list of packages"
    by_others = ["-user", str(USER_ID), "-o", "-perm", "-o+w", "-not", "-type", "l"]
    writable = output_of(["find", str(mounted / "opt"), *by_others])
    assert writable == "", "the service cannot change its own code"
