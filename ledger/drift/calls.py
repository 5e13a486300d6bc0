"""Reads of one call what it shows: its kind, its names with their types, and a few words."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from ledger.drift.closed_sets import OTHER, has_closed_set, word_of
from ledger.errors import MalformedNotificationError
from ledger.ipn import form_v2, rest_v4
from ledger.ipn.delivery import Delivery, Limits, read_fields
from ledger.ipn.form_v2_names import family_of
from ledger.ipn.signature import signed_fields
from ledger.ipn.statuses import RANKS, form_spelling

EMPTY, TEXT = "empty", "string"
UNREAD = "unread"
"""The kind of deliveries whose body could not be opened or read."""
_ANSWER = "kr-answer"
_OF_THE_MERCHANT = "metadata"
_NAME_MAX, _PATH_MAX = 64, 512
_TYPES: Mapping[type, str] = {
    str: TEXT,
    bool: "boolean",
    int: "number",
    float: "number",
    dict: "object",
    list: "list",
}

Pair = tuple[str, str]
Shape = frozenset[Pair]
"""The names of a call, each with a JSON type, or `empty` where it has no value."""


@dataclass(frozen=True, slots=True)
class Call:
    """What one call shows, without any value but words of closed sets.

    Shape: `source` is what the platform says of why it calls; `kind` begins with it, then the
    direction and the status in its form spelling, as far as they are known words.
    """

    delivery_id: str
    received_at: datetime
    source: str
    kind: str
    shape: Shape
    word_pairs: frozenset[Pair]


def read_call(delivery: Delivery, limits: Limits) -> Call:
    """Read what a verified delivery shows. Errors: MalformedNotificationError."""
    fields = read_fields(delivery, limits)
    if _ANSWER not in fields:
        return _form(delivery, fields)
    try:
        answer = json.loads(fields[_ANSWER])
        if isinstance(answer, dict):
            return _rest(delivery, fields, answer)
    except RecursionError as error:
        raise MalformedNotificationError("answer-too-deep", "kr-answer is too deep") from error
    except ValueError as error:
        raise MalformedNotificationError("answer-not-json", "kr-answer is not JSON") from error
    raise MalformedNotificationError("answer-not-json", "kr-answer is not a JSON object")


def _form(delivery: Delivery, fields: Mapping[str, str]) -> Call:
    """Read a form; what is not signed in it is nobody's word."""
    signed = dict(signed_fields(fields))
    words = ((name, value) for name, value in signed.items() if value and has_closed_set(name))
    source = signed.get(form_v2.SOURCE_FIELD, "")
    shape = _shape_of_form(tuple((name, bool(value)) for name, value in signed.items()))
    status, operation = signed.get("vads_trans_status"), signed.get("vads_operation_type")
    return _call(delivery, source, (operation, status), shape, words)


@lru_cache(maxsize=2048)
def _shape_of_form(signed_names: tuple[tuple[str, bool], ...]) -> Shape:
    return frozenset(
        (family_of(name), TEXT if has_value else EMPTY) for name, has_value in signed_names
    )


def _rest(delivery: Delivery, fields: Mapping[str, str], answer_object: dict[str, object]) -> Call:
    envelope = {name: value for name, value in fields.items() if name.startswith("kr-")}
    envelope.pop(_ANSWER)
    nodes = [
        *_nodes(answer_object, ""),
        *((_part(name), value) for name, value in envelope.items()),
    ]
    shape = frozenset((name, _type_of(node)) for name, node in nodes)
    words = (
        (name, node if isinstance(node, str) else json.dumps(node))
        for name, node in nodes
        if has_closed_set(name) and node not in (None, "", [], {})
    )
    transactions = answer_object.get("transactions")
    transaction = transactions[0] if isinstance(transactions, list) and transactions else {}
    if not isinstance(transaction, dict):
        transaction = {}
    status = transaction.get("detailedStatus") or answer_object.get("orderStatus")
    kind_words = transaction.get("operationType"), status
    return _call(delivery, fields.get(rest_v4.SOURCE_FIELD, ""), kind_words, shape, words)


def _call(
    delivery: Delivery,
    source: str,
    kind_words: tuple[object, object],
    shape: Shape,
    word_pairs: Iterator[Pair],
) -> Call:
    operation, status = (text if isinstance(text, str) and text else "-" for text in kind_words)
    spelled = form_spelling(status)
    source = word_of(source) if source else "-"
    status = spelled if spelled in RANKS or status == "-" else OTHER
    kind = f"{source} {word_of(operation) if operation != '-' else '-'} {status}"
    kept = frozenset((name, word_of(value)) for name, value in word_pairs)
    return Call(delivery.id, delivery.received_at, source, kind, shape, kept)


def _nodes(node: object, path: str) -> Iterator[tuple[str, object]]:
    """Yield everything in an answer by its starred path, but what the merchant chose.

    Shape: no path is longer than an index takes; what is below a longer one is left out.
    """
    if isinstance(node, dict):
        prefix = f"{path}." if path else ""
        for name, below in node.items():
            place = prefix + _part(name)
            if len(place) > _PATH_MAX:
                continue
            yield place, below
            if name != _OF_THE_MERCHANT and isinstance(below, dict | list):
                yield from _nodes(below, place)
    elif isinstance(node, list):
        for below in node:
            if isinstance(below, dict | list):
                yield from _nodes(below, f"{path}.*")


@lru_cache(maxsize=4096)
def _part(name: str) -> str:
    """Return a name as a part of a path; a star for what is no name, which may be anything."""
    is_name = name.isascii() and name.replace("-", "_").isidentifier() and len(name) <= _NAME_MAX
    return name if is_name else OTHER


def _type_of(node: object) -> str:
    return EMPTY if node in (None, "", [], {}) else _TYPES[type(node)]
