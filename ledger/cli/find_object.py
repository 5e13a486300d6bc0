"""One line of `ledger check`."""

from dataclasses import dataclass
from typing import Any

OK, WARNING, FAULT = "ok", "warning", "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. Shape: never holds a secret; `data` is for machines."""

    state: str
    subject: str
    message: str
    data: dict[str, Any] | None = None
