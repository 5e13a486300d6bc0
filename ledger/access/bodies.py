"""Raw bodies, as a reader may see them: one with card data is for operators, and only as a file."""

from collections.abc import Mapping
from itertools import starmap

from ledger.access.readers import Reader
from ledger.access.roles import OPERATOR
from ledger.ipn.card_data import masked_text
from ledger.ipn.card_data_fields import NEVER_KEPT, kinds_in_body, masked_field
from ledger.ipn.delivery import Limits
from ledger.recording.inbox_rows import delivery_of
from ledger.storage.inbox import InboxRecord


def holds_card_data(row: InboxRecord, limits: Limits) -> bool:
    """Return True if a stored body seems to hold card data outside of what identifies something."""
    return bool(kinds_in_body(delivery_of(row), limits) & NEVER_KEPT)


def may_read_body(reader: Reader, row: InboxRecord, limits: Limits) -> bool:
    """Return True if a reader may have the body byte for byte."""
    return reader.role == OPERATOR or (reader.sees_personal and not holds_card_data(row, limits))


def shown_text(text: str, *, is_masked: bool) -> str:
    """Return the text of a body as every role may read it."""
    return masked_text(text)[0] if is_masked else text


def shown_texts(text_by_name: Mapping[str, str], *, is_masked: bool) -> dict[str, str]:
    """Return names and text_by_name of a body as every role may read them."""
    return dict(starmap(masked_field, text_by_name.items())) if is_masked else dict(text_by_name)
