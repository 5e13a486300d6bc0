"""What read models may take from the platform's other fields: harmless details, nothing else."""

from dataclasses import dataclass

import msgspec

from ledger.ipn.harmless_names import is_harmless
from ledger.storage.compressed_columns import read_details

Details = bytes | None | msgspec.UnsetType
"""The details of an event as stored; None when it has none, UNSET when nobody has read them."""


@dataclass(frozen=True)
class HarmlessDetail:
    """One detail, under the platform's names for it: one for each format.

    Errors: ValueError for a name under which free text, or something about a person, may stand, and
    for one that names every place of a list at once.
    """

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        refused = [name for name in names if "*" in name or not is_harmless(name)]
        if refused or not names:
            raise ValueError(f"no harmless name of the platform: {', '.join(refused) or names}")
        object.__setattr__(self, "names", names)

    def within(self, stored_details: Details) -> str | None:
        """Return what stands under the first of its names that is there; None if none is."""
        assert stored_details is not msgspec.UNSET, "name it in the details of the projection"
        details_json = read_details(stored_details)
        if details_json is None:
            return None
        text_by_name = dict(_decode(details_json).pairs)
        return next((text_by_name[name] for name in self.names if name in text_by_name), None)


class _Stored(msgspec.Struct, rename={"pairs": "details"}):
    pairs: list[tuple[str, str]] = []


_decode = msgspec.json.Decoder(_Stored).decode
