"""The watch for keys can fail, in each place that it watches; and no process is given one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import a_shop
from tests.cli.running import shops_file
from tests.secrecy import MORE, SECRETS
from tests.serving import ROOT, serving

LEAKS = """
import logging, subprocess, sys
import click, pytest
from click.testing import CliRunner
from flask import Flask

KEY = "Only-the-watch-knows-" + "this-key"

def answered(view):
    app = Flask("leaking")
    app.add_url_rule("/", "view", view)
    return app.test_client().get("/")

def test_printed():
    print(KEY)

def test_logged():
    logging.getLogger("x").error("with %s", KEY)

def test_taken(capsys):
    print(KEY)
    capsys.readouterr()

def test_answered():
    answered(lambda: KEY).text

def test_in_a_header():
    answered(lambda: ("", {"X-Key": KEY}))

def test_told_by_a_command():
    @click.command()
    def command():
        click.echo(KEY, err=True)
    CliRunner().invoke(command)

def test_told_by_a_process():
    subprocess.run([sys.executable, "-c", "print('Only-the-watch-knows-' + 'this-key')"],
                   capture_output=True, check=True)

def test_given_to_a_process():
    subprocess.run(["true", KEY], check=False)

def test_innocent(tmp_path):
    (tmp_path / "shops.toml").write_text(KEY)
"""
LEFT = """
def test_left_in_a_file(tmp_path):
    (tmp_path / "some.log").write_text("x" + "Only-the-watch-knows-" + "this-key")
"""


def test_each_way_out_is_watched_in_every_worker(tmp_path: Path) -> None:
    leaking, left = tmp_path / "test_leaks.py", tmp_path / "test_left.py"
    leaking.write_text(LEAKS)
    left.write_text(LEFT)

    report = tried(tmp_path)

    failed = set(re.findall(r"^FAILED \S+::(\w+)", report, re.MULTILINE))
    names = set(re.findall(r"^def (test_\w+)", LEAKS, re.MULTILINE))
    assert failed == names - {"test_innocent"}, report
    assert "a key of the tests is in the file some.log" in report


def tried(folder: Path) -> str:
    """Return what pytest reports of the tests in a folder, with two workers."""
    options = ["-p", "tests.secrecy", "-p", "no:schemathesis", "-p", "no:cacheprovider"]
    options += ["-n", "2", "-c", os.devnull, "--rootdir", str(folder), "-rf", str(folder)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=ROOT,
        env={
            **os.environ,
            MORE: "Only-the-watch-knows-this-key",
            "PYTEST_DEBUG_TEMPROOT": str(folder),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    return done.stdout


def test_what_is_watched_for_is_what_the_tests_sign_with(tmp_path: Path) -> None:
    keys = {key.secret for key in a_shop().keys}

    assert keys
    assert all(SECRETS.fullmatch(key.encode()) for key in keys)
    assert len(SECRETS.findall(shops_file(tmp_path).read_bytes())) == len(keys)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="no list of processes here")
def test_no_process_of_a_service_shows_a_key(sqlite_url: str, tmp_path: Path) -> None:
    with serving(tmp_path, sqlite_url, shops_file(tmp_path), LEDGER_SECRET_KEY="kept") as service:
        folder = Path("/proc") / str(service.process.pid)
        children = (folder / "task" / folder.name / "children").read_text().split()
        command_lines = [
            Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (folder.name, *children)
        ]

    assert len(command_lines) > 1
    assert not any(SECRETS.search(command_line) for command_line in command_lines)
