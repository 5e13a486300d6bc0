"""README and documents name what exists: files, options, rules; and they are built as a site."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.ipn.notification_rules import RULES
from ledger.ipn.shops_and_keys import read_shops
from tests.documents.blocks import ROOT, shell_blocks
from tests.documents.reference import commands

README = ROOT / "README.md"
README_BYTES_MAX = 7_000
DOCS = ROOT / "docs"
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted(DOCS.rglob("*.md")),
]
OPTIONS_OF_OTHERS = {
    *("--quiet", "--require-hashes", "--no-deps", "--no-build-isolation", "--disable-pip"),  # pip
    *("--silent", "--show-error", "--data-binary", "--header"),  # curl
    *("--dbname", "--file", "--format", "--no-owner", "--pgdata", "--checkpoint"),  # PostgreSQL
    *("--isolation", "--build-arg", "--tag", "--python"),  # buildah, and pip in an image
    *("--check", "--sign", "--all", "--message", "--strict", "--spec"),  # git, twine, pipx
    *("--nworkers", "--nthreads", "--no-dashboard"),  # Dask
    *("--owner", "--command", "--write-recovery-conf", "--save"),  # PostgreSQL again, and Redis
    *("--slot", "--create-slot", "--plugin", "--start", "--option", "--drop-slot"),  # and again
}
PROGRAMS = [*(ROOT / "bench").rglob("*.py"), *(ROOT / "tests" / "faults").glob("*_run.py")]
OPTIONS_OF_PROGRAMS = {
    option for path in PROGRAMS for option in re.findall(r'"(--[a-z-]+)"', path.read_text())
}


def test_the_readme_is_read_in_minutes() -> None:
    assert len(README.read_bytes()) <= README_BYTES_MAX


def test_the_readme_begins_with_two_commands_of_which_the_checks_run_the_second() -> None:
    serve, test = shell_blocks(README.read_text())[:2]
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    lines = [line for line in script if line.startswith((".venv", "python3"))]

    assert serve.endswith("&& .venv/bin/ledger serve --demo\n")
    assert " && ".join([lines[0], lines[-1]]) == test.strip()
    assert script[-1] == lines[-1]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(document: Path) -> None:
    text = document.read_text()
    linked = [
        document.parent / target for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    ]
    named = [ROOT / name for name in re.findall(r"`((?:ledger|web|tests|docs)/[\w./]+)`", text)]

    missing = {file for file in (*linked, *named) if not file.exists()}
    packed = ROOT / "ledger" / "migrations"  # exists in a wheel only
    made = {ROOT / name for name in re.findall(r"Make `([^`]+)`:", text)}
    assert missing - made - {packed} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_that_a_page_names_exists(document: Path) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", document.read_text()))
    known = {
        option for _, command, _ in commands() for param in command.params for option in param.opts
    }

    assert named - known - OPTIONS_OF_OTHERS - OPTIONS_OF_PROGRAMS <= {
        "--help",
        "--version",
        "--color",
    }


def test_every_rule_of_the_back_office_is_named_with_its_default() -> None:
    text = (DOCS / "how-to" / "connect-the-platform.md").read_text()
    rows = re.findall(r"^\| (IPN URL [^|]+) \| (yes|no)", text, re.MULTILINE)

    assert dict(rows) == {
        rule.switch: "yes" if rule.is_on_by_default else "no" for rule in RULES.values()
    }


def test_the_shops_file_that_is_shown_can_be_read(tmp_path: Path) -> None:
    text = (DOCS / "how-to" / "shops-and-keys.md").read_text()
    (shown,) = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    path = tmp_path / "shops.toml"
    path.touch(mode=0o600)
    path.write_text(shown)

    shops = read_shops(path, {"BOUTIQUE_REST_PASSWORD": "synthetic"})

    assert [key.mode for key in shops.shop_by_id["12345678"].keys] == ["TEST", "PRODUCTION"]


def test_the_documents_are_built_as_a_site_without_a_warning(tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={"PATH": "", "HOME": str(tmp_path), "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert built.returncode == 0, built.stderr
    home = (tmp_path / "site" / "index.html").read_text()
    assert "Tutorial" in home
    assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', home)
