"""Watches everything that the suite writes for its keys: whatever holds one fails the test.

Watched are the output of each test (also what a fixture took), of each command and of each process
started, their arguments, every answer of the web application, and at the end of a session every
file that was left: logs, exports, databases. Only files that hold keys on purpose are let through.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

MORE = "LEDGER_TEST_WATCHED_SECRET"
"""Names one more text to watch for: the watch itself is tried with it."""

KINDS = "form-hmac-sha256|form-sha1|rest-password|rest-hmac"
SECRETS = re.compile(
    "|".join(
        [
            rf"Synthetic-(?:{KINDS})-(?:TEST|PRODUCTION)-\d{{8}}",  # of tests/builders.py
            "SyntheticFormKey01",  # of tests/simulator
            "testpassword_SyntheticKey",
            "S3cretOfNobody",
            "s3cr3t-of-a-synthetic-shop",
            *([re.escape(os.environ[MORE])] if os.environ.get(MORE) else []),
        ]
    ).encode()
)
HOLDERS = (".toml", ".key", ".secret")
"""Ends of the names of files that hold keys because a service must read them there."""


class SecretLeftError(AssertionError):
    """A key of the tests is where nobody may read it."""


def watch(where: str, *outputs: object) -> None:
    """Refuse what holds a key, without showing it."""
    for output in outputs:
        is_bytes = isinstance(output, bytes)
        content = output if is_bytes else str(output).encode("utf-8", "surrogatepass")
        if SECRETS.search(content):
            raise SecretLeftError(f"a key of the tests is in {where}")


@pytest.fixture(autouse=True, scope="session")
def no_secret_leaves(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Watch as long as the session lasts; its end shows up as an error of the last test."""
    with pytest.MonkeyPatch.context() as patch:
        _after(patch, CliRunner, "invoke", lambda done: watch("a command's output", done.output))
        _after(patch, FlaskClient, "open", lambda answer: watch("a header", answer.headers))
        _after(patch, TestResponse, "get_data", lambda body: watch("an answer", body))
        _after(patch, pytest.CaptureFixture, "readouterr", lambda texts: watch("output", *texts))
        _after(patch, subprocess.Popen, "communicate", lambda texts: watch("a process", *texts))
        _before(patch, subprocess.Popen, "__init__", _watch_arguments)
        yield
    for path in sorted(tmp_path_factory.getbasetemp().rglob("*")):
        if path.suffix not in HOLDERS and path.is_file() and not path.is_symlink():
            watch(f"the file {path.name}", path.read_bytes())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Watch what a test has written and not taken itself."""
    report: Any = yield
    if report.passed and any(SECRETS.search(text.encode()) for _, text in report.sections):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: a key of the tests is in its output"
    return report


def _watch_arguments(_: Any, args: Any, *__: Any, **___: Any) -> None:
    watch("the list of processes", *([args] if isinstance(args, str | bytes | Path) else args))


def _after(patch: pytest.MonkeyPatch, owner: type, name: str, look: Callable[[Any], None]) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def watched(*args: Any, **more: Any) -> Any:
        returned = original(*args, **more)
        look(returned)
        return returned

    patch.setattr(owner, name, watched)


def _before(patch: pytest.MonkeyPatch, owner: type, name: str, look: Callable[..., None]) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def watched(*args: Any, **more: Any) -> Any:
        look(*args, **more)
        return original(*args, **more)

    patch.setattr(owner, name, watched)
