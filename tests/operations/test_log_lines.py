"""Every line of the log is one of those that are described."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.operations.log_lines import LEVELS, LINES
from tests.log_lines import check_lines

ROOT = Path(__file__).resolve().parents[2]


def log_calls() -> Iterator[tuple[str, str, set[str], bool]]:
    """Yield what the code writes. Shape: place, event, fields, whether it adds others by `**`."""
    for path in sorted([*(ROOT / "ledger").rglob("*.py"), *(ROOT / "web").rglob("*.py")]):
        source = path.read_text()
        for node in ast.walk(ast.parse(source if "structlog" in source else "")):
            if isinstance(node, ast.Call) and is_log(node.func) and node.args:
                (event,) = node.args
                assert isinstance(event, ast.Constant), f"{path}:{node.lineno} is no fixed event"
                names = {keyword.arg for keyword in node.keywords}
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                yield place, str(event.value), {n for n in names if n} - {"exc_info"}, None in names


def is_log(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id in ("log", "write")
    is_level = isinstance(called, ast.Attribute) and called.attr in (*LEVELS, "exception")
    return is_level and ast.unparse(called).split(".")[0] in ("log", "_log")


def test_every_line_that_the_code_writes_is_described() -> None:
    wrong = []
    for place, event, names, has_more in log_calls():
        line = LINES.get(event)
        known = {**line.always, **line.sometimes}.keys() if line else set()
        missing = line.always.keys() - names if line and not has_more else set()
        if line is None or names - known or missing:
            wrong.append((place, event, names - known, missing))

    assert wrong == []


def test_every_line_that_is_described_is_written() -> None:
    of_workers = {
        f"{worker}.{ending}"
        for worker in ("asking", "followers", "log")
        for ending in ("interrupted", "waiting")
    }

    assert {event for _, event, _, _ in log_calls()} | of_workers == LINES.keys()


@pytest.mark.parametrize(
    "line",
    [
        '{"event": "unheard", "level": "info", "timestamp": "2026-11-28T12:00:00Z"}',
        '{"event": "keys.made", "level": "info", "timestamp": "2026-11-28T12:00:00Z"}',
        '{"event": "keys.made", "keys": 5, "level": "info", "timestamp": "2026-11-28T12:00:00Z"}',
        '{"event": "keys.made", "keys": "a", "level": "loud", "timestamp": "2026-11-28T12:00:00Z"}',
        "a line for people",
    ],
)
def test_a_line_that_is_otherwise_is_seen(line: str) -> None:
    with pytest.raises(AssertionError):
        check_lines(line)
