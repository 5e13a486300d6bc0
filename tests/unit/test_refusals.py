"""What is refused, and with which word; and what is odd and recorded all the same."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest

from ledger.application import Ledger
from ledger.items import item
from ledger.modes import MODES
from ledger.reasons import REASONS
from ledger.shops import FORM_HMAC, REST_BROWSER, REST_PASSWORD, Shops
from ledger.signature import form_text, sign_form_hmac
from ledger.storage.database import Database
from tests.builders import (
    NOON,
    OTHER_SHOP_ID,
    SHOP_ID,
    a_delivery,
    a_form,
    a_ledger,
    a_shop,
    an_answer,
    example,
    form_body,
    receive,
    rest_body,
    secret,
    shops,
)
from tests.conftest import opened

A_TEXT = json.dumps(an_answer(), separators=(",", ":"))
BROWSER_KEY = secret(SHOP_ID, "TEST", REST_BROWSER)
FORM_KEY = secret(SHOP_ID, "TEST", FORM_HMAC)
PASSWORD = secret(SHOP_ID, "TEST", REST_PASSWORD)


@pytest.fixture
def ledger(sqlite_url: str) -> Iterator[Ledger]:
    with opened(sqlite_url) as database:
        yield a_ledger(database, shops(a_shop(), a_shop(OTHER_SHOP_ID)))


def with_text(old: str, new: str) -> bytes:
    """An accepted payment with a piece of its JSON replaced before it is signed."""
    assert old in A_TEXT
    return rest_body(A_TEXT.replace(old, new))


def without(body: bytes, name: str) -> bytes:
    return b"&".join(one for one in body.split(b"&") if not one.startswith(f"{name}=".encode()))


BUYER = "x+DEBIT+12345678+20260310091502+100001+AUTHORISED+y"
A_SIGNED_FORM = {
    "vads_ctx_mode": "TEST",
    "vads_cust_last_name": BUYER,
    "vads_site_id": SHOP_ID,
}


def a_relabelled_form() -> bytes:
    """Names are not signed: a form whose buyer is called like a payment, told as a call."""
    pretended = {
        "vads_ctx_mode": "TEST",
        "vads_hash": "x",
        "vads_operation_type": "DEBIT",
        "vads_order_info": BUYER.removeprefix("x+DEBIT+"),
        "vads_site_id": SHOP_ID,
    }
    return urlencode(pretended | {"signature": signature_of(form_body(A_SIGNED_FORM))}).encode()


def signature_of(body: bytes) -> str:
    return dict(parse_qsl(body.decode()))["signature"]


AN_AMOUNT = '"amount":2990,"currency":"EUR","paymentMethodType"'
DEEP = '{"a":' * 70 + "1" + "}" * 70
VERY_DEEP = "[" * 100_000

CASES: list[tuple[str, str, bytes, Mapping[str, Any]]] = [
    # cannot be read
    ("empty-body", "nothing", b"", {}),
    ("empty-body", "blanks", b" \r\n", {}),
    ("unsupported-content-type", "json", b"{}", {"content_type": "application/json"}),
    ("unsupported-content-type", "form", form_body(a_form()), {"content_type": "text/plain"}),
    (
        "unsupported-content-type",
        "rest",
        rest_body(an_answer()),
        {"content_type": "multipart/form-data; boundary=x"},
    ),
    ("invalid-utf-8", "form", form_body(a_form()).replace(b"%C3%A8", b"%E8"), {}),
    ("invalid-utf-8", "rest", rest_body(an_answer()).replace(b"%C3%A8", b"%E8"), {}),
    ("invalid-utf-8", "name", form_body(a_form()) + b"&%FF=1", {}),
    ("invalid-utf-8", "surrogate", form_body(a_form()) + b"&x=%ED%A0%80", {}),
    (
        "too-many-fields",
        "form",
        form_body({f"vads_ext_info_{one}": "" for one in range(10_000)}),
        {},
    ),
    (
        "too-many-fields",
        "rest",
        rest_body(an_answer(), **{f"x{one}": "" for one in range(9_995)}),
        {},
    ),
    ("duplicate-field", "form-signed", form_body(a_form()) + b"&vads_amount=2990", {}),
    ("duplicate-field", "form-unsigned", form_body(a_form()) + b"&foo=1&foo=1", {}),
    ("duplicate-field", "rest-signed", rest_body(an_answer()) + b"&kr-answer=%7B%7D", {}),
    ("duplicate-field", "rest-unsigned", rest_body(an_answer()) + b"&kr-src=PAY", {}),
    ("duplicate-field", "encoded-name", form_body(a_form()) + b"&vads%5Famount=2990", {}),
    ("unknown-format", "other", b"payment=accepted&amount=2990", {}),
    ("unknown-format", "json", b'{"shopId":"12345678"}', {}),
    ("unknown-format", "ampersands", b"&&&", {}),
    ("invalid-shop-id", "form", form_body(a_form(vads_site_id="12345678x"), FORM_KEY), {}),
    ("invalid-shop-id", "form-none", form_body(a_form(vads_site_id=None), FORM_KEY), {}),
    ("invalid-shop-id", "form-nul", form_body(a_form(vads_site_id="12345678\0"), FORM_KEY), {}),
    ("invalid-shop-id", "form-digits", form_body(a_form(vads_site_id="١٢٣٤٥٦٧٨"), FORM_KEY), {}),
    ("invalid-shop-id", "rest", rest_body(an_answer(whole={"shopId": "1"}), key=PASSWORD), {}),
    ("invalid-shop-id", "rest-true", rest_body(an_answer(whole={"shopId": True})), {}),
    ("mode-unreadable", "form", form_body(a_form(vads_ctx_mode="test"), FORM_KEY), {}),
    ("mode-unreadable", "form-none", form_body(a_form(vads_ctx_mode=None), FORM_KEY), {}),
    ("mode-unreadable", "rest", rest_body(an_answer(order={"mode": "LIVE"}), key=PASSWORD), {}),
    ("mode-unreadable", "rest-none", rest_body(an_answer(whole={"orderDetails": None})), {}),
    ("mode-unreadable", "rest-list", rest_body(an_answer(order={"mode": ["TEST"]})), {}),
    ("answer-not-json", "text", rest_body("this is not json"), {}),
    ("answer-not-json", "none", without(rest_body(""), "kr-answer"), {}),
    ("answer-not-json", "list", rest_body("[1,2]"), {}),
    ("answer-not-json", "nan", with_text(AN_AMOUNT, AN_AMOUNT.replace("2990", "NaN")), {}),
    (
        "answer-not-json",
        "infinity",
        with_text(AN_AMOUNT, AN_AMOUNT.replace("2990", "-Infinity")),
        {},
    ),
    ("answer-not-json", "comma", with_text(AN_AMOUNT, AN_AMOUNT.replace("2990", "12,50")), {}),
    ("answer-not-json", "nul", with_text('"orderCycle":"', '"orderCycle":"\0'), {}),
    ("answer-not-json", "byte-order-mark", rest_body("\ufeff" + A_TEXT), {}),
    ("answer-too-deep", "objects", rest_body(DEEP), {}),
    ("answer-too-deep", "lists", rest_body(VERY_DEEP), {}),
    ("duplicate-json-key", "top", with_text('{"shopId"', '{"orderCycle":"OPEN","shopId"'), {}),
    (
        "duplicate-json-key",
        "below",
        with_text('"currency":"EUR"', '"currency":"EUR","amount":1'),
        {},
    ),
    (
        "identity-unreadable",
        "form",
        form_body(a_form(vads_trans_uuid=None, vads_trans_date=None)),
        {},
    ),
    (
        "identity-unreadable",
        "form-nothing",
        form_body(
            {
                name: value
                for name, value in a_form().items()
                if name in ("vads_hash", "vads_site_id", "vads_ctx_mode", "vads_url_check_src")
            }
        ),
        {},
    ),
    (
        "identity-unreadable",
        "form-part",
        form_body(
            a_form(
                vads_payment_seq='{"transactions":[{"trans_uuid":"x","trans_status":"CAPTURED"}]}'
            )
        ),
        {},
    ),
    ("identity-unreadable", "rest-shop", rest_body(an_answer(whole={"shopId": None})), {}),
    ("identity-unreadable", "rest-uuid", rest_body(an_answer(uuid=None)), {}),
    ("identity-unreadable", "rest-uuid-nul", rest_body(an_answer(uuid="a\0")), {}),
    ("identity-unreadable", "rest-uuid-surrogate", with_text('"uuid":"d', '"uuid":"\\ud800'), {}),
    ("identity-unreadable", "rest-none", rest_body(an_answer(whole={"transactions": []})), {}),
    (
        "identity-unreadable",
        "rest-object",
        rest_body(an_answer(whole={"transactions": {"a": 1}})),
        {},
    ),
    ("identity-unreadable", "rest-texts", rest_body(an_answer(whole={"transactions": ["a"]})), {}),
    ("status-unreadable", "rest", rest_body(an_answer(detailedStatus=6)), {}),
    ("status-unreadable", "rest-none", rest_body(an_answer(detailedStatus=None)), {}),
    ("status-unreadable", "rest-empty", rest_body(an_answer(detailedStatus="")), {}),
    *(
        ("amount-unreadable", f"form-{told}", form_body(a_form(vads_amount=told)), {})
        for told in ("12,50", "12.50", "1e3", "NaN", " 990", "990\n", "٩٩٠", "9" * 19, "0x10")
    ),
    ("amount-unreadable", "form-effective", form_body(a_form(vads_effective_amount="1e3")), {}),
    (
        "amount-unreadable",
        "form-part-amount",
        form_body(a_form(vads_payment_seq='{"transactions":[{"trans_id":"1","amount":12.5}]}')),
        {},
    ),
    *(
        (
            "amount-unreadable",
            f"rest-{told}",
            with_text(AN_AMOUNT, AN_AMOUNT.replace("2990", told)),
            {},
        )
        for told in ("12.50", "1e3", '"12,50"', "9" * 19, "9" * 400, "true", "{}", '{"a":1}', "[]")
    ),
    (
        "amount-unreadable",
        "rest-order",
        rest_body(an_answer(order={"orderTotalAmount": "12,50"})),
        {},
    ),
    # cannot be verified
    ("unknown-shop", "form", form_body(a_form(vads_site_id="11111111"), FORM_KEY), {}),
    ("unknown-shop", "rest", rest_body(an_answer(whole={"shopId": "11111111"})), {}),
    ("signature-missing", "form", without(form_body(a_form()), "signature"), {}),
    ("signature-missing", "rest", without(rest_body(an_answer()), "kr-hash"), {}),
    (
        "signature-missing",
        "form-empty",
        without(form_body(a_form()), "signature") + b"&signature=",
        {},
    ),
    ("signature-mismatch", "form", form_body(a_form(), "another"), {}),
    (
        "signature-mismatch",
        "form-tampered",
        form_body(a_form()).replace(b"vads_amount=2990", b"vads_amount=2991"),
        {},
    ),
    ("signature-mismatch", "form-dropped", without(form_body(a_form()), "vads_extra_result"), {}),
    ("signature-mismatch", "rest", rest_body(an_answer(), key="another"), {}),
    ("signature-mismatch", "rest-tampered", rest_body(an_answer()).replace(b"2990", b"2991"), {}),
    ("wrong-mode", "form", form_body(a_form(), secret(SHOP_ID, "PRODUCTION", FORM_HMAC)), {}),
    (
        "wrong-mode",
        "rest",
        rest_body(an_answer(), key=secret(SHOP_ID, "PRODUCTION", REST_PASSWORD)),
        {},
    ),
    ("wrong-shop", "form", form_body(a_form(), secret(OTHER_SHOP_ID, "TEST", FORM_HMAC)), {}),
    (
        "wrong-shop",
        "rest",
        rest_body(an_answer(), key=secret(OTHER_SHOP_ID, "TEST", REST_PASSWORD)),
        {},
    ),
    *(
        (f"{what}-mismatch", name, body, {"shop_id": shop_id, "mode": mode})
        for what, shop_id, mode in (
            ("mode", SHOP_ID, "PRODUCTION"),
            ("shop", OTHER_SHOP_ID, "TEST"),
        )
        for name, body in (("form", form_body(a_form())), ("rest", rest_body(an_answer())))
    ),
    ("browser-return", "form", form_body(a_form(vads_hash=None, vads_url_check_src=None)), {}),
    (
        "browser-return",
        "rest",
        rest_body(an_answer(), key=BROWSER_KEY, **{"kr-hash-key": "sha256_hmac"}),
        {},
    ),
    ("browser-return", "rest-relabelled", rest_body(an_answer(), key=BROWSER_KEY), {}),
    (
        "browser-return",
        "rest-escaped",
        rest_body(an_answer(), key=BROWSER_KEY).replace(b"%2F", b"%5C%2F"),
        {},
    ),
    ("relabelled-form", "form", a_relabelled_form(), {}),
    *(
        (
            "relabelled-form",
            f"form-{name}-{told!r}",
            form_body(a_form(**{f"vads_{name}": told})),
            {},
        )
        for name, told in (
            ("hash", ""),
            ("hash", "short"),
            ("hash", "a7c5c619684dc04f33abc83f2bd0967d\0"),
            ("hash", "a b+c d e f g h i j k l m n o p q"),
            ("trans_uuid", "ACD46B2FD137E49048E9E5997A0BDDD5"),
            ("trans_uuid", "acd46b2f-d137-e490-48e9-e5997a0bddd5"),
            ("trans_uuid", "acd46b2fd137e49048e9e5997a0bddd5\0"),
            ("url_check_src", ""),
            ("url_check_src", None),
        )
    ),
    (
        "unsupported-algorithm",
        "rest",
        rest_body(an_answer(), **{"kr-hash-algorithm": "md5"}),
        {},
    ),
    (
        "unsupported-algorithm",
        "rest-none",
        without(rest_body(an_answer()), "kr-hash-algorithm"),
        {},
    ),
]


@pytest.mark.parametrize(
    ("reason", "body", "changes"),
    [pytest.param(one[0], one[2], one[3], id=f"{one[0]}-{one[1]}") for one in CASES],
)
def test_what_cannot_be_read_or_verified_is_kept_with_its_reason(
    ledger: Ledger, reason: str, body: bytes, changes: Mapping[str, Any]
) -> None:
    delivery = a_delivery(body, **changes)

    receipt = ledger.receive(delivery)

    assert (receipt.outcome, receipt.reason) == ("quarantined", reason)
    assert_is_kept(ledger, delivery.id, reason, body)


def assert_is_kept(ledger: Ledger, id_: str, reason: str, body: bytes) -> None:
    with ledger.database.connect() as connection:
        row = ledger.journal.get(connection, id_)
    assert row is not None
    assert (row.outcome, row.reason, row.body) == ("quarantined", reason, body)
    assert ledger.events.events_after(0, 10) == []


BODIES = {"form": form_body(a_form()), "rest": rest_body(an_answer())}
both_formats = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)


def keyring(**window: Any) -> Shops:
    """One shop whose keys have a window; the keys of its browser returns have none."""
    shop = a_shop()
    keys = [key if key.kind == REST_BROWSER else replace(key, **window) for key in shop.keys]
    return shops(replace(shop, keys=tuple(keys)))


@both_formats
@pytest.mark.parametrize(
    "window",
    [
        {"not_before": NOON + timedelta(days=1)},
        {"not_after": NOON - timedelta(days=1)},
        {"not_after": NOON},
    ],
    ids=["not yet", "no more", "to the instant"],
)
def test_a_key_counts_only_while_it_is_valid(
    ledger: Ledger, body: bytes, window: Mapping[str, Any]
) -> None:
    ledger.shops = keyring(**window)
    delivery = a_delivery(body, received_at=NOON)

    receipt = ledger.receive(delivery)

    assert receipt.reason == "no-key"
    assert_is_kept(ledger, delivery.id, "no-key", body)


@both_formats
def test_an_expired_key_beside_a_valid_one_is_a_mismatch(ledger: Ledger, body: bytes) -> None:
    expired = keyring(not_after=NOON - timedelta(days=1)).shop_by_id[SHOP_ID].keys
    fresh = [replace(key, secret="another", not_after=None) for key in expired]
    ledger.shops = shops(replace(a_shop(), keys=(*expired, *fresh)))

    assert receive(ledger, body, received_at=NOON).reason == "signature-mismatch"


@both_formats
def test_keys_may_overlap_while_they_are_rotated(ledger: Ledger, body: bytes) -> None:
    old = a_shop().keys
    new = [replace(key, secret="another") for key in old]
    ledger.shops = shops(replace(a_shop(), keys=(*new, *old)))

    assert receive(ledger, body).outcome == "recorded"


@pytest.mark.parametrize("mode", MODES)
def test_a_key_of_the_other_format_counts_for_nothing(ledger: Ledger, mode: str) -> None:
    ledger.shops = shops(a_shop(kinds=(REST_PASSWORD,)))

    receipt = receive(ledger, form_body(a_form(vads_ctx_mode=mode)))

    assert receipt.reason == "no-key"


@both_formats
def test_a_source_that_is_not_allowed_is_kept_unread(ledger: Ledger, body: bytes) -> None:
    delivery = a_delivery(body)

    receipt = ledger.refuse(delivery, "source-not-allowed")

    assert receipt.outcome == "quarantined"
    assert_is_kept(ledger, delivery.id, "source-not-allowed", body)


def test_a_call_that_was_too_large_is_noted_and_cannot_be_readmitted(ledger: Ledger) -> None:
    delivery = a_delivery(b"")
    ledger.refuse(delivery, "too-large")

    receipt = ledger.readmit(delivery.id)

    assert (receipt.outcome, receipt.reason) == ("quarantined", "too-large")
    assert_is_kept(ledger, delivery.id, "too-large", b"")


def test_every_reason_has_a_case() -> None:
    elsewhere = {"no-key", "source-not-allowed", "too-large"}

    assert {one[0] for one in CASES} | elsewhere == set(REASONS)


def test_a_relabelled_form_has_a_valid_signature() -> None:
    """The case above would prove nothing if its signature were wrong."""
    relabelled = dict(parse_qsl(a_relabelled_form().decode(), keep_blank_values=True))

    as_told = form_text(relabelled)

    assert as_told == form_text(A_SIGNED_FORM)
    assert relabelled["signature"] == sign_form_hmac(as_told, FORM_KEY)


# -- odd, and recorded ------------------------------------------------------------------------

LONG = "é" * 5_000


def an_odd_form(**changes: str | None) -> bytes:
    return form_body(a_form(**changes))


ODD: list[tuple[str, bytes, set[str], Mapping[str, Any]]] = [
    (
        "form-5000-fields",
        form_body(a_form() | {f"vads_ext_info_{n}": "x" for n in range(5_000)}),
        set(),
        {"amount_minor": 2990},
    ),
    (
        "form-currency",
        an_odd_form(vads_effective_currency="998"),
        {"vads_effective_currency"},
        {"currency": "998"},
    ),
    (
        "form-date",
        an_odd_form(vads_presentation_date="20260231250000"),
        {"vads_presentation_date"},
        {"capture_at": None},
    ),
    (
        "form-date-of-year-one",
        an_odd_form(vads_presentation_date="00010101000000"),
        {"vads_presentation_date"},
        {"capture_at": None},
    ),
    (
        "form-day",
        an_odd_form(vads_effective_creation_date="yesterday"),
        {"vads_effective_creation_date"},
        {"created_at": None},
    ),
    (
        "form-negative",
        an_odd_form(vads_effective_amount="-2990"),
        {"vads_effective_amount"},
        {"amount_minor": -2990},
    ),
    (
        "form-status",
        an_odd_form(vads_trans_status="MELTED"),
        {"vads_trans_status"},
        {"status": "MELTED"},
    ),
    (
        "form-operation",
        an_odd_form(vads_operation_type="GIFT"),
        {"vads_operation_type"},
        {"operation_type": "GIFT"},
    ),
    ("form-source", an_odd_form(vads_url_check_src="NEVER_SEEN"), set(), {"status": "AUTHORISED"}),
    ("form-source-nul", an_odd_form(vads_url_check_src="NEVER\0SEEN"), {"vads_url_check_src"}, {}),
    (
        "form-number",
        an_odd_form(vads_sequence_number="1st"),
        {"vads_sequence_number"},
        {"sequence_number": None},
    ),
    (
        "form-long",
        an_odd_form(vads_cust_last_name=LONG, vads_order_id=LONG),
        set(),
        {"order_id": LONG},
    ),
    (
        "form-nul",
        an_odd_form(vads_order_info="a\0b", vads_cust_name="\0"),
        {"vads_order_info", "vads_cust_name"},
        {},
    ),
    (
        "form-nul-fact",
        an_odd_form(vads_order_id="a\0b"),
        {"vads_order_id"},
        {"order_id": "a\ufffdb"},
    ),
    ("form-nul-name", an_odd_form(**{"vads_\0": "a"}), set(), {}),
    ("form-status-in-text", an_odd_form(vads_order_info="a+DEBIT+b"), {"vads_order_info"}, {}),
    (
        "form-split-is-no-json",
        an_odd_form(vads_payment_seq="{broken"),
        {"vads_payment_seq"},
        {"amount_minor": None},
    ),
    ("rest-currency", rest_body(an_answer(currency="ZZZ")), {"currency"}, {"currency": "ZZZ"}),
    (
        "rest-date",
        rest_body(an_answer(creationDate="2026-02-31T00:00:00Z")),
        {"creationDate"},
        {"created_at": None},
    ),
    ("rest-server-date", rest_body(an_answer(whole={"serverDate": "soon"})), {"serverDate"}, {}),
    (
        "rest-server-date-first",
        rest_body(an_answer(whole={"serverDate": "0001-01-01T00:00:00Z"})),
        {"serverDate"},
        {},
    ),
    (
        "rest-server-date-last",
        rest_body(an_answer(whole={"serverDate": "9999-12-31T23:59:59-14:00"})),
        {"serverDate"},
        {},
    ),
    (
        "rest-server-date-object",
        rest_body(an_answer(whole={"serverDate": {"a": 1}})),
        {"serverDate"},
        {},
    ),
    ("rest-server-date-none", rest_body(an_answer(whole={"serverDate": None})), set(), {}),
    ("rest-negative", rest_body(an_answer(amount=-2990)), {"amount"}, {"amount_minor": -2990}),
    ("rest-amount-as-text", rest_body(an_answer(amount="2990")), set(), {"amount_minor": 2990}),
    (
        "rest-status",
        rest_body(an_answer(detailedStatus="MELTED")),
        {"detailedStatus"},
        {"status": "MELTED"},
    ),
    (
        "rest-operation",
        rest_body(an_answer(operationType="GIFT")),
        {"operationType"},
        {"operation_type": "GIFT"},
    ),
    ("rest-source", rest_body(an_answer(), "NEVER\0SEEN"), set(), {}),
    (
        "rest-nul",
        with_text('"orderInfo":"caisse 3"', '"orderInfo":"\\u0000"'),
        {"metadata.orderInfo"},
        {},
    ),
    (
        "rest-nul-fact",
        with_text('"orderId":"CMD', '"orderId":"\\u0000CMD'),
        {"orderId"},
        {"order_id": "\ufffdCMD-2026-0001"},
    ),
    (
        "rest-surrogate",
        with_text('"orderId":"CMD', '"orderId":"\\ud800CMD'),
        {"orderId"},
        {"order_id": "\ufffdCMD-2026-0001"},
    ),
    ("rest-surrogate-name", with_text('"basket"', '"\\udfff"'), set(), {}),
    ("rest-order-number", rest_body(an_answer(order={"orderId": 42})), set(), {"order_id": "42"}),
    (
        "rest-metadata-list",
        rest_body(an_answer(metadata=["a", {"b": None}, [1.5, True]])),
        set(),
        {},
    ),
    (
        "rest-risk-control",
        rest_body(an_answer(whole={"riskControl": {"name": "CARD", "result": ["OK"]}})),
        set(),
        {},
    ),
    ("rest-shop-number", rest_body(an_answer(whole={"shopId": 12345678})), set(), {}),
    ("rest-long", rest_body(an_answer(paymentMethodToken=LONG)), set(), {"alias": LONG}),
    (
        "rest-details-text",
        rest_body(an_answer(transactionDetails="none")),
        set(),
        {"status": "AUTHORISED"},
    ),
    ("rest-without-amount", rest_body(an_answer(amount=None)), set(), {"amount_minor": None}),
]


@pytest.mark.parametrize(
    ("body", "odd", "facts"), [pytest.param(*one[1:], id=one[0]) for one in ODD]
)
def test_what_is_signed_and_odd_is_recorded_and_marked(
    database: Database, body: bytes, odd: set[str], facts: Mapping[str, Any]
) -> None:
    ledger = a_ledger(database)

    receipt = receive(ledger, body)

    assert (receipt.outcome, receipt.reason) == ("recorded", None)
    event = ledger.events.events_after(0, 10)[0].event
    assert set(event.odd or []) == odd
    told = item(ledger.events.history(event.originator_id))
    assert {name: told[name] for name in facts} == facts


@pytest.mark.parametrize(
    "body",
    [an_odd_form(vads_presentation_date="soon"), rest_body(an_answer(creationDate="soon"))],
    ids=["form", "rest"],
)
def test_an_odd_value_stays_verbatim_among_the_details(ledger: Ledger, body: bytes) -> None:
    receive(ledger, body)

    event = ledger.events.events_after(0, 1)[0].event
    assert "soon" in [value for _, value in event.details or []]


def test_a_call_that_tells_nothing_but_a_name_is_recorded_once(database: Database) -> None:
    ledger = a_ledger(database)
    strict = ("vads_hash", "vads_site_id", "vads_ctx_mode", "vads_url_check_src", "vads_trans_uuid")
    body = form_body({name: a_form()[name] for name in strict})

    outcomes = [receive(ledger, body).outcome for _ in range(2)]

    assert outcomes == ["recorded", "repeated"]
    assert len(ledger.events.events_after(0, 10)) == 1


def test_unsigned_fields_beside_the_signed_ones_make_no_other_notification(
    database: Database,
) -> None:
    ledger = a_ledger(database)
    body = form_body(a_form())

    outcomes = [receive(ledger, one).outcome for one in (body, body + b"&utm=1", b"a=&" + body)]

    assert outcomes == ["recorded", "repeated", "repeated"]


def test_a_name_that_holds_the_separator_of_names_is_another_name(database: Database) -> None:
    ledger = a_ledger(database)
    instalment = example("form-v2", "subscription-installment-accepted")["fields"]
    for number, (subscription, alias) in enumerate((("a\nb", "c"), ("a", "b\nc"))):
        told = {
            "vads_subscription": subscription,
            "vads_identifier": alias,
            "vads_trans_uuid": f"{number:032x}",
        }
        receive(ledger, form_body(instalment | told))

    subscriptions = {
        one.event.originator_id
        for one in ledger.events.events_after(0, 100)
        if one.event.TOPIC.startswith("subscription.")
    }
    assert len(subscriptions) == 2


def test_the_raw_body_is_kept_byte_for_byte(database: Database) -> None:
    ledger = a_ledger(database)
    body = form_body(a_form(vads_cust_name="é\0 ")) + b"&" + quote("über").encode() + b"=%41"
    delivery = a_delivery(body)

    ledger.receive(delivery)

    with database.connect() as connection:
        row = ledger.journal.get(connection, delivery.id)
    assert row is not None
    assert row.body == body
