"""Whatever bytes arrive, they are kept and answered; nothing that a sender writes raises."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.ipn.refusal_reasons import REASONS
from ledger.queries.event_sentences import describe
from ledger.queries.history import timeline
from ledger.queries.readable import find_delivery
from ledger.queries.state import current_state
from ledger.recording.receipt import Receipt
from ledger.storage.database import Database
from tests.builders import (
    a_delivery,
    a_form,
    a_ledger,
    an_answer,
    example,
    form_body,
    rest_body,
)
from tests.builders import (
    examples as golden_examples,
)
from tests.properties.conftest import examples


@contextmanager
def a_fresh_ledger(template: Path) -> Iterator[Ledger]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        shutil.copyfile(template, path)
        database = Database(f"sqlite:///{path}", pool_size=1)
        yield a_ledger(database)
        database.dispose()


def assert_is_answered_and_kept(ledger: Ledger, body: bytes, **changes: Any) -> Receipt:
    delivery = a_delivery(body, **changes)
    receipt = ledger.receive(delivery)
    row = find_delivery(ledger, delivery.id)
    assert row is not None
    assert (row.outcome, row.body) == (receipt.outcome, body)
    assert receipt.reason in REASONS or receipt.outcome != "quarantined"
    for recorded in ledger.events.events_after(0, 100):
        events = ledger.events.history(recorded.event.originator_id)
        assert describe(current_state(events), timeline(events))
    return receipt


@examples(15)
@given(body=st.binary(max_size=400), content_type=st.text(max_size=40))
def test_any_bytes_are_answered(sqlite_template: Path, body: bytes, content_type: str) -> None:
    with a_fresh_ledger(sqlite_template) as ledger:
        assert_is_answered_and_kept(ledger, body, content_type=content_type.replace("\0", ""))
        assert_is_answered_and_kept(ledger, body)


BODIES = [form_body(a_form()), rest_body(an_answer())]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid body with some of its bytes replaced, doubled or dropped."""
    body = bytearray(draw(st.sampled_from(BODIES)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 40)))
        body[start:end] = draw(st.binary(max_size=20)) + draw(
            st.sampled_from([b"", body[start:end]])
        )
    return bytes(body)


@examples(15)
@given(body=mutated())
def test_any_mutation_of_a_signed_body_is_answered(sqlite_template: Path, body: bytes) -> None:
    with a_fresh_ledger(sqlite_template) as ledger:
        assert_is_answered_and_kept(ledger, body)


TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(
        ["", "0", "-1", "1e3", "NaN", "\0", "99991231235959", "9" * 30, "{", '{"a":1}']
    ),
    st.sampled_from(['{"transactions":[{"trans_uuid":""}]}', '{"transactions":[{"amount":"1"}]}']),
)
FORMS = [name for format_name, name in golden_examples() if format_name == "form-v2"]
ANSWERS = [name for format_name, name in golden_examples() if format_name == "rest-v4"]
FORM_NAMES = sorted({name for form in FORMS for name in example("form-v2", form)["fields"]})
STRICT = ("vads_hash", "vads_site_id", "vads_ctx_mode", "vads_url_check_src")


@examples(15)
@given(
    base=st.sampled_from(FORMS),
    changes=st.dictionaries(st.sampled_from(FORM_NAMES) | TEXTS, TEXTS | st.none(), max_size=8),
)
def test_any_signed_form_is_answered(
    sqlite_template: Path, base: str, changes: dict[str, str | None]
) -> None:
    fields: dict[str, str] = dict(example("form-v2", base)["fields"])
    for name, text in changes.items():
        if text is None:
            fields.pop(name, None)
        elif name not in (*STRICT, "signature"):
            fields[name] = text
    key = None if "vads_site_id" in fields and "vads_ctx_mode" in fields else "any"
    with a_fresh_ledger(sqlite_template) as ledger:
        assert_is_answered_and_kept(ledger, form_body(fields, key))


ODD_TEXTS = ["\ud800", "\0", "2026-03-10T09:15:04Z", "9999-12-31T23:59:59-23:59", "TEST", "1e3"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.sampled_from(ODD_TEXTS),
)
JSON = st.recursive(
    SCALARS,
    lambda json: (
        st.lists(json, max_size=3) | st.dictionaries(st.text(max_size=8), json, max_size=3)
    ),
    max_leaves=8,
)


def paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = node.items() if isinstance(node, dict) else ()
    children = enumerate(node) if isinstance(node, list) else children
    return [path, *(below for name, child in children for below in paths(child, (*path, name)))]


PATHS = [path for path in paths(an_answer()) if path]


@examples(15)
@given(
    base=st.sampled_from(ANSWERS),
    changed_nodes=st.dictionaries(st.sampled_from(PATHS), JSON, max_size=4),
)
def test_any_signed_answer_is_answered(
    sqlite_template: Path, base: str, changed_nodes: dict[tuple[Any, ...], Any]
) -> None:
    answer = example("rest-v4", base)["answer"]
    for path, new in changed_nodes.items():
        replace_at(answer, path, new)
    with a_fresh_ledger(sqlite_template) as ledger:
        assert_is_answered_and_kept(ledger, rest_body(json.dumps(answer)))


def replace_at(node: Any, path: tuple[Any, ...], new: Any) -> None:
    """Replace what is at a path, when there is such a path."""
    for name in path[:-1]:
        try:
            node = node[name]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(node, dict) or (isinstance(node, list) and path[-1] in range(len(node))):
        node[path[-1]] = new


@examples(15)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_signed_text_is_answered(sqlite_template: Path, text: str) -> None:
    with a_fresh_ledger(sqlite_template) as ledger:
        assert_is_answered_and_kept(ledger, rest_body(text))
