"""Whatever a signed call says otherwise than before is an event, scalar by scalar."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.aggregates.news import VOLATILE
from ledger.errors import NotificationError
from ledger.ipn.signature import digest
from tests.builders import example, example_body, examples, form_body, rest_body
from tests.recording.remembering import Remembering

ENVELOPE = {"vads_hash", "vads_url_check_src", "vads_version", "serverDate"}
"""What is of the message and not of what it is about."""

Path = tuple[str | int, ...]


def scalars(node: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every scalar, but for the names of types."""
    if isinstance(node, dict | list):
        for name, below in node.items() if isinstance(node, dict) else enumerate(node):
            if name != "_type":
                yield from scalars(below, (*path, name))
    else:
        yield path


def is_told(path: Path) -> bool:
    """Return True unless a change of this scalar alone is no news."""
    names = path[2:] if path[0] == "transactions" else path
    return (
        path[-1] not in ENVELOPE
        and path != ("shopId",)
        and ".".join(map(str, names)) not in VOLATILE
    )


def another(scalar: Any) -> Any:
    """Return a value of the same kind that says something else."""
    if isinstance(scalar, bool):
        return not scalar
    if isinstance(scalar, int):
        return scalar + 1
    if isinstance(scalar, str) and scalar.isdigit():
        return scalar[:-1] + ("1" if scalar[-1] != "1" else "2")
    return f"{scalar or ''}x"


def content_of(format_: str, name: str) -> Any:
    content = example(format_, name)
    return content["fields" if format_ == "form-v2" else "answer"]


def body_of(format_: str, name: str, content: Any, *, number: int = 0) -> bytes:
    """Return an example's body with other content; its number makes it a delivery of its own."""
    if format_ == "form-v2":
        hash_ = digest(f"{name} {number}".encode())
        return form_body(content | {"vads_hash": hash_})
    seconds = {"serverDate": f"2027-01-01T00:00:{number:02d}+00:00"}
    return rest_body(content | seconds, example(format_, name)["kr-src"])


def changed(content: Any, path: Path) -> Any:
    """Return a copy of a content with another value at a path."""
    content = copy.deepcopy(content)
    *above, last = path
    node = content
    for name in above:
        node = node[name]
    node[last] = another(node[last])
    return content


@pytest.mark.parametrize(("format_", "name"), examples())
def test_another_value_of_any_scalar_is_news_once(format_: str, name: str) -> None:
    content = content_of(format_, name)
    silent, endless, undecided = [], [], []

    for path in filter(is_told, scalars(content)):
        ledger = Remembering()
        ledger.receive(example_body(format_, name))
        other = changed(content, path)
        try:
            if not ledger.receive(body_of(format_, name, other, number=1)):
                silent.append(path)
            elif ledger.receive(body_of(format_, name, other, number=2)):
                endless.append(path)
        except NotificationError:  # kept undecided, or refused: nothing is lost
            undecided.append(path)

    assert (silent, endless) == ([], [])
    assert len(undecided) < 12


@pytest.mark.parametrize(("format_", "name"), examples())
def test_a_call_that_is_made_again_is_no_news(format_: str, name: str) -> None:
    ledger = Remembering()
    ledger.receive(example_body(format_, name))

    again = ledger.receive(body_of(format_, name, content_of(format_, name), number=1))

    assert again == []


@pytest.mark.parametrize(
    ("format_", "name", "again"),
    [
        ("form-v2", "payment-accepted", "automatic-retry-of-payment-accepted"),
        ("form-v2", "token-created", "automatic-retry-of-token-created"),
        (
            "form-v2",
            "subscription-installment-accepted",
            "automatic-retry-of-subscription-installment",
        ),
        ("rest-v4", "payment-accepted", "automatic-retry-of-payment-accepted"),
    ],
)
def test_a_retry_that_lacks_what_replays_lose_is_no_news(
    format_: str, name: str, again: str
) -> None:
    ledger = Remembering()
    ledger.receive(example_body(format_, name))

    assert ledger.receive(example_body(format_, again)) == []
