"""What the merchant sends along is kept verbatim: each value under a path of its own."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ipn.rest_v4_json import flatten, parse_answer
from ledger.ipn.storable import storable
from tests.builders import an_answer, rest_body
from tests.ipn.reading import content_of

DEPTH = 64
LETTERS = st.characters(exclude_categories=())
names = (
    st.text(st.sampled_from('.ab"\\01_'), max_size=4)
    | st.sampled_from(["_type", "metadata", "", '"a.b"', "0", "a\0", "a\ufffd", "a\ud800"])
    | st.text(LETTERS, max_size=3)
)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(LETTERS, max_size=5)
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(names, below, max_size=4),
    max_leaves=12,
)


def below(value: Any) -> list[Any]:
    """Return everything that stands for itself in a value: scalars, nulls, what is empty."""
    if value and isinstance(value, dict | list):
        children = value.values() if isinstance(value, dict) else value
        return [leaf for child in children for leaf in below(child)]
    return [value]


def at(path: str, value: Any) -> Any:
    """Follow a path down into a value, as a reader does that knows only JSON."""
    while path:
        if path.startswith('"'):
            name, end = json.JSONDecoder().raw_decode(path)
        else:
            name, end = path.partition(".")[0], (path + ".").index(".")
        value = value[int(name)] if isinstance(value, list) else value[name]
        path = path[end + 1 :]
    return value


def written(leaf: Any) -> str:
    return leaf if isinstance(leaf, str) else json.dumps(leaf, separators=(",", ":"))


@given(metadata=st.lists(values, min_size=1) | st.dictionaries(names, values, min_size=1))
def test_every_value_of_the_merchant_is_kept_under_its_own_path(metadata: Any) -> None:
    answer = {"metadata": metadata}
    pairs = flatten(parse_answer(json.dumps(answer), DEPTH))

    paths = [path for path, _ in pairs]
    assert len({storable(path) for path in paths}) == len(paths) == len(below(metadata))
    assert paths == [storable(path) for path in paths]
    for path, text in pairs:
        assert text == written(at(path, answer))


def test_the_names_of_types_are_the_platforms_outside_of_metadata_alone() -> None:
    merchants = {"_type": "kept", "a": {"_type": "kept", "metadata": {"_type": None}}}

    pairs = flatten({"_type": "V4", "a": [{"_type": "V4", "b": None}], "metadata": merchants})

    assert pairs == [
        ("metadata._type", "kept"),
        ("metadata.a._type", "kept"),
        ("metadata.a.metadata._type", "null"),
    ]


def test_metadata_of_the_transaction_and_of_the_order_are_details() -> None:
    metadata = {"a.b": "one", "a": {"b": "two", "c": []}, "_type": "three", "d": None}
    body = rest_body(
        an_answer(metadata=metadata, order={"metadata": metadata}, whole={"metadata": {"d": 1}})
    )

    details = dict(content_of(body).transactions[0].details)

    of_transaction = {
        'metadata."a.b"': "one",
        "metadata.a.b": "two",
        "metadata.a.c": "[]",
        "metadata._type": "three",
        "metadata.d": "null",
        "kr-answer.metadata.d": "1",
    }
    of_order = {
        f"orderDetails.{path}": text
        for path, text in of_transaction.items()
        if path.startswith("metadata")
    }
    kept = {path: text for path, text in details.items() if "metadata" in path}
    assert kept == of_transaction | of_order


@pytest.mark.parametrize("nothing", [None, {}, []])
def test_no_metadata_leave_nothing(nothing: Any) -> None:
    assert flatten({"metadata": nothing}) == []


def test_names_that_are_masked_alike_stay_apart() -> None:
    metadata = {"cvv 123": "one", "cvv 456": "two", "cvv [masked] (2)": "three", "cvv 789": "four"}

    details = content_of(rest_body(an_answer(metadata=metadata))).transactions[0].details

    assert [pair for pair in details if "cvv" in pair[0]] == [
        ["metadata.cvv [masked]", "one"],
        ["metadata.cvv [masked] (3)", "two"],
        ["metadata.cvv [masked] (2)", "three"],
        ["metadata.cvv [masked] (4)", "four"],
    ]
