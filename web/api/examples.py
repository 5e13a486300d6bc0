"""Examples for the documents: what this service answered to synthetic notifications."""

from pathlib import Path
from typing import Any

import orjson

FILE = Path(__file__).with_name("examples.json")
_EXAMPLES: dict[str, dict[str, Any]] = orjson.loads(FILE.read_bytes())


def example_of_schema(name: str) -> Any | None:
    """Return an example of what has this schema; None if there is none."""
    return _EXAMPLES["schemas"].get(name)


def example_of_parameter(name: str) -> Any | None:
    """Return an example of a parameter; None for one that needs none."""
    return _EXAMPLES["parameters"].get(name)
