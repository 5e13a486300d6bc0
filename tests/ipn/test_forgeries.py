"""Forms dressed up as calls: from nowhere in particular, none is money without a doubt."""

from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import NotificationError
from ledger.ipn.modes import MODES
from ledger.ipn.snapshots import NotificationContent
from ledger.simulator.signed_calls import ALTERNATE, synthetic_platform
from ledger.simulator.stories import STORIES
from tests.builders import (
    SHOP_ID,
    a_form,
    an_answer,
    example,
    example_body,
    examples,
    form_body,
    rest_body,
    secret,
    shops,
)
from tests.forgeries import (
    MORE_TEXTS,
    TEXTS,
    a_payment_form,
    forged,
    forged_body,
    typed,
)
from tests.ipn.reading import content_of, reason_of

NAMINGS = ("invented", "free", "platform")
IN_ORDER = tuple(text for _, text in sorted(TEXTS.items()))
CAREFUL = TEXTS | MORE_TEXTS
NEW_FIELD = {"forward-compatible-unknown-values"}
"""Examples with a field that the platform has not documented yet."""


def read(body: bytes, *, is_from_named_range: bool = False) -> NotificationContent | None:
    """What a body says; None when it is refused."""
    try:
        return content_of(body, is_from_named_range=is_from_named_range)
    except NotificationError:
        return None


def is_refused_or_doubtful(body: bytes) -> bool:
    content = read(body)
    return content is None or bool(content.doubts)


def a_forgery(
    texts: tuple[str, ...],
    pretended: Mapping[str, str] = TEXTS,
    *,
    mode: str = "PRODUCTION",
    fillers: int = 0,
    naming: str = "invented",
) -> bytes:
    form = a_payment_form(mode, typed(texts), fillers)
    return forged_body(form, forged(form, pretended, naming))


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fillers", [0, 1, 30])
@pytest.mark.parametrize("arrangement", ["as wanted", "reversed", "rotated"])
def test_eleven_texts_of_a_buyer_are_no_payment(
    arrangement: str, fillers: int, mode: str, naming: str
) -> None:
    orders = {
        "as wanted": IN_ORDER,
        "reversed": IN_ORDER[::-1],
        "rotated": IN_ORDER[5:] + IN_ORDER[:5],
    }

    body = a_forgery(orders[arrangement], mode=mode, fillers=fillers, naming=naming)

    assert is_refused_or_doubtful(body)


@pytest.mark.parametrize("naming", NAMINGS)
@pytest.mark.parametrize("fillers", [0, 1, 30])
def test_a_forger_who_leaves_nothing_out_is_doubted(fillers: int, naming: str) -> None:
    texts = tuple(text for _, text in sorted(CAREFUL.items()))

    content = read(a_forgery(texts, CAREFUL, fillers=fillers, naming=naming))

    assert content is not None, "all that identifies a call is well formed"
    assert content.transactions[0].facts["amount_minor"] == 999900
    assert content.doubts


@given(
    texts=st.permutations(sorted(CAREFUL.values())),
    count=st.integers(1, len(CAREFUL)),
    fillers=st.integers(0, 30),
    naming=st.sampled_from(NAMINGS),
    glue=st.integers(0, 3),
)
def test_no_order_of_texts_is_a_payment(
    texts: list[str], count: int, fillers: int, naming: str, glue: int
) -> None:
    chosen = texts[:count]
    if glue:  # several texts in one field: values are joined by `+`, whoever typed it
        chosen = ["+".join(chosen[begin : begin + glue]) for begin in range(0, count, glue)]

    assert is_refused_or_doubtful(a_forgery(tuple(chosen), CAREFUL, fillers=fillers, naming=naming))


def test_every_payment_form_still_holds_the_id_that_its_shop_signed() -> None:
    """No name and no text is odd in it: only the shop's own id has no place of its own."""
    texts = "+".join(text for _, text in sorted(CAREFUL.items()))
    form = a_payment_form("PRODUCTION", {"vads_cust_address": texts})
    fields = forged(form, CAREFUL, "platform")

    content = read(forged_body(form, fields))

    assert content is not None
    assert any(doubt.startswith("shop-id-repeated ") for doubt in content.doubts)


def test_one_renamed_field_of_a_real_call_is_doubted() -> None:
    fields = a_form()
    signature = form_body(fields)[form_body(fields).index(b"signature=") :]
    names = sorted(fields)
    for before, name in pairwise(["vads_", *names]):
        other = f"{name}_"
        if name in ("vads_ctx_mode", "vads_site_id", "vads_hash", "vads_url_check_src"):
            continue
        assert before < name < other
        renamed = {other if each == name else each: text for each, text in fields.items()}
        body = form_body(renamed)
        if sorted(renamed).index(other) == names.index(name):
            assert body.endswith(signature), "the signature is the same"
        assert is_refused_or_doubtful(body), name


@pytest.mark.parametrize(
    "key_kind", ["form-hmac-sha256", "rest-browser", "rest-password of the other mode"]
)
def test_an_answer_is_not_forged_with_another_key(key_kind: str) -> None:
    kind, _, of_other_mode = key_kind.partition(" of ")
    key = secret(SHOP_ID, "PRODUCTION" if of_other_mode else "TEST", kind)

    assert reason_of(rest_body(an_answer(), key=key)) is not None


@pytest.mark.parametrize(("format_", "name"), examples())
def test_an_honest_call_is_not_doubted_wherever_it_comes_from(format_: str, name: str) -> None:
    content = content_of(example_body(format_, name), is_from_named_range=False)

    assert bool(content.doubts) == (name in NEW_FIELD)


@pytest.mark.parametrize("name", sorted(NEW_FIELD))
def test_from_a_named_range_a_new_field_is_odd_and_no_more(name: str) -> None:
    content = content_of(example_body("form-v2", name), is_from_named_range=True)

    assert not content.doubts
    assert set(content.transactions[0].odd) >= {"vads_new_field_2027"}


def test_no_story_of_the_simulator_is_doubted() -> None:
    platform = synthetic_platform(shops(), SHOP_ID, "TEST")
    doubted = {
        (story.name, doubt)
        for story in STORIES.values()
        if platform.can_play(story, ALTERNATE)
        for signed_call in platform.signed_calls(story, 7, 0, ALTERNATE)
        for doubt in content_of(signed_call.body, is_from_named_range=False).doubts
    }

    assert doubted == {("unknown-words", "name-unknown vads_new_field_2027")}


def test_what_is_not_signed_is_only_named() -> None:
    body = form_body(a_form()) + b"&note=unsigned&card_number=4970100000000014&refund_of=order+9"

    (payment,) = content_of(body).transactions

    names = {"note", "card_number", "refund_of"}
    assert set(payment.odd) == names
    assert not names & dict([*payment.details, *payment.personal]).keys()


@pytest.mark.parametrize("source", ["RETRY", "BO"])
def test_what_a_resend_lacks_is_not_missed(source: str) -> None:
    lost = dict.fromkeys(("vads_page_action", "vads_payment_config", "vads_action_mode"))

    body = form_body(a_form(vads_url_check_src=source, **lost))
    content = content_of(body, is_from_named_range=False)

    assert not content.doubts


def test_the_amounts_of_a_registration_are_not_missed() -> None:
    fields = example("form-v2", "token-created-legacy")["fields"]

    assert not content_of(form_body(fields), is_from_named_range=False).doubts
