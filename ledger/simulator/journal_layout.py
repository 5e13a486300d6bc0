"""Write one journal of the platform: its name, its lines and when it is made.

Source: delivery reference, sections 12 and 13.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

Cells = Mapping[str, str]
"""The columns of one line by their names."""

LATIN_9 = "iso-8859-15"


@dataclass(frozen=True, slots=True)
class JournalShop:
    """The shop that journals are made for. Shape: `label` as the Back Office shows it."""

    shop_id: str
    label: str
    mode: str

    @property
    def is_test(self) -> bool:
        return self.mode == "TEST"

    @property
    def siret(self) -> str:
        """Return a legal id that belongs to nobody. Shape: 14 digits."""
        return f"{self.shop_id:0>14}"

    @property
    def merchant_id(self) -> str:
        return f"0{self.siret}"

    @property
    def client_code(self) -> str:
        return f"CL{self.shop_id[-6:]}"

    @property
    def capital_label(self) -> str:
        """Return the label as names of files have it: capitals, blanks replaced."""
        plain = (letter if letter.isascii() and letter.isalnum() else "_" for letter in self.label)
        return "".join(plain).upper() or "SHOP"

    def file_name(self, code: str, day: date, suffix: str = "") -> str:
        """Return the name of the journal of one day. Source: delivery reference, section 12.3."""
        prefix = "TEST_" if self.is_test else ""
        return f"{prefix}{code}_{self.capital_label}_{self.shop_id}_{day:%y%m%d}{suffix}.csv"


def made_at(day: date, hour: int) -> datetime:
    """Return when the journal of a day is made: the next day, four minutes past this UTC hour."""
    return datetime.combine(day + timedelta(days=1), time(hour, 4), UTC)


def journal_bytes(
    title: Sequence[str],
    labels: Mapping[str, str] | Sequence[str],
    record_code: str,
    detail_lines: Iterable[Cells],
    *,
    has_end: bool = True,
    encoding: str = LATIN_9,
) -> bytes:
    """Return a journal as the platform writes it: separators at line ends too, carriage returns.

    Shape: `labels` are the columns in their order; a mapping renames them, from the label to the
    column. `has_end` writes the line FIN.
    """
    columns = list(labels.values() if isinstance(labels, Mapping) else labels)
    lines = [["TITRE", *title], ["ENTETE", *labels]]
    lines += [[record_code, *(cells[column] for column in columns)] for cells in detail_lines]
    lines += [["FIN"]] if has_end else []
    text = "".join(f"{';'.join(map(_without_separators, line))};\r" for line in lines)
    return text.encode(encoding, errors="replace")


def _without_separators(cell: str) -> str:
    return cell.replace(";", " ").replace("\r", " ").replace("\n", " ")
