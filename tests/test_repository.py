"""What no file of the repository may hold: places on somebody's machine."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def files() -> list[Path]:
    """What is, or would be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        return [path for name in listed.stdout.split("\0") if (path := ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    folders = "|".join(("home", "root", "Users", "work", "mnt"))
    place = re.compile(rf"(?<![\w.:/}}>])/(?:{folders})/\w|\.\./shared|[\\]Users[\\]".encode())

    places = {
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in files()
        if path.suffix not in (".pyc", ".sqlite")
        for match in place.finditer(path.read_bytes())
        if path != Path(__file__)
    }

    assert places == set()
