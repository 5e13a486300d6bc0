"""The closed list of harmless names: what stands under them is about nobody, and no free text.

Source: decision 0034; the names themselves are those of the form-v2 and rest-v4 references.
"""

import json
from pathlib import Path

HARMLESS_NAMES: frozenset[str] = frozenset(
    name
    for names in json.loads(Path(__file__).with_name("harmless_names.json").read_text()).values()
    for name in names
)
"""Names of fields in details. Shape: a dotted path in REST, with `*` for the place in a list."""


def is_harmless(name: str) -> bool:
    """Return True if whatever stands under this name is harmless."""
    path = ("*" if part.isdecimal() else part for part in name.split("."))
    return name in HARMLESS_NAMES or ".".join(path) in HARMLESS_NAMES
