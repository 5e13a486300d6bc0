"""The commands of README and documents, run as a reader would: in order, in a folder of their own.

Every fenced block that is marked `sh` is run, the blocks of a document as one script; runs of many
minutes are marked `text`. Three things
differ from what a reader does: a service is started in the background, where a reader takes a
second terminal; it has a free port in place of 8000; and the set-up by pip, which has brought the
tests here, is left out.
"""

import os
import re
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from tests.faults.cluster import binaries, free_port

ROOT = Path(__file__).resolve().parents[2]
PORT = "8000"
SECONDS_MAX = 180

EXAMPLE = "fd6ac64b1ab6c0d33abd201f2582299f"
"""The payment that documents show: the one of the story below."""

_SET_UP = re.compile(r"^python3 -m venv .* && \.venv/bin/", re.MULTILINE)
_ACTIVATE = re.compile(r"^\. \.venv/bin/activate$", re.MULTILINE)
_SERVE = re.compile(r"^ledger serve(?P<options>.*)$", re.MULTILINE)
_BEGINNING = """\
set -euo pipefail
service=
stop_service() { if [ -n "$service" ]; then kill $service; wait $service || true; service=; fi; }
serve() {
    stop_service
    command ledger serve --port PORT "$@" >>service.log 2>&1 &
    service=$!
    until curl --silent --fail --output ready http://127.0.0.1:PORT/readyz; do
        kill -0 $service || { cat service.log; exit 1; }
        sleep 0.2
    done
}
ledger() {
    if [ "$1" = simulate ]; then set -- simulate --url http://127.0.0.1:PORT "${@:2}"; fi
    command ledger "$@"
}
trap stop_service EXIT
set -x
"""
_SERVICE_THAT_RUNS = """\
serve
ledger simulate --shop 12345678 --mode test --story changed-and-cancelled --format rest --seed 3
"""


def shell_blocks(text: str) -> list[str]:
    """Return the text of each block that is marked `sh`, indented ones too."""
    blocks = re.findall(r"^( *)```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", block, flags=re.MULTILINE) for indent, block in blocks]


def script(blocks: list[str], port: int) -> str:
    """Return one script of all blocks; a service runs where they need one and start none."""
    text = "\n".join(block for block in blocks if not block.rstrip().endswith("-m pytest"))
    text = _SERVE.sub(r"serve\g<options>", _ACTIVATE.sub("", _SET_UP.sub("", text)))
    is_served = re.search(r"^serve", text, re.MULTILINE)
    if not is_served and re.search(f":{PORT}|ledger simulate|{EXAMPLE}", text):
        text = _SERVICE_THAT_RUNS + text
    beginning = _BEGINNING.replace("PORT", str(port))
    return beginning + text.replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{port}")


@dataclass(frozen=True)
class Reader:
    """Somebody with a folder, an environment and a shell, who does what a document says."""

    folder: Path
    environ: dict[str, str]

    def follow(self, document: Path) -> str:
        """Run all commands of a document; return what they printed. Errors: AssertionError."""
        text = script(shell_blocks(document.read_text()), free_port())
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


def a_reader(folder: Path, **environ: str) -> Reader:
    """Return a reader with no setting but these, and the programs of the tests and their server."""
    (folder / "deploy").symlink_to(ROOT / "deploy")
    path = [sysconfig.get_path("scripts"), str(binaries(folder)), os.environ["PATH"]]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    return Reader(folder, {**clean, "PATH": os.pathsep.join(path), "HOME": str(folder), **environ})


def missing_program(text: str) -> str | None:
    """Return the program that a document calls and this machine lacks; None when all are there."""
    called = {"curl": "curl", "check.sh": "xxd", "redis-server": "redis-server"}
    missing = (name for word, name in called.items() if word in text and not shutil.which(name))
    return next(missing, None)
