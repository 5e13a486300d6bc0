"""The platform's two modes: what is tried out, and what moves money. Neither knows the other."""

from enum import StrEnum
from typing import Self


class Mode(StrEnum):
    """A mode as it is stored and as the platform spells it; read from text in any case."""

    TEST = "TEST"
    PRODUCTION = "PRODUCTION"

    @property
    def public(self) -> str:
        """Return the spelling of answers, addresses and commands. Shape: lower case."""
        return self.value.lower()

    @classmethod
    def _missing_(cls, text: object) -> Self | None:
        return cls.__members__.get(text.upper()) if isinstance(text, str) else None


MODES = tuple(mode.value for mode in Mode)
PUBLIC_MODES = tuple(mode.public for mode in Mode)
