"""Bodies that cannot be read, and the reason with which each is refused."""

import pytest

from tests.builders import a_form, an_answer, form_body, rest_body
from tests.ipn.reading import (
    A_TEXT,
    FORM_KEY,
    PASSWORD,
    Case,
    cases,
    reason_of,
    with_text,
    without,
)

AN_AMOUNT = '"amount":2990,"currency":"EUR","paymentMethodType"'
DEEP = '{"a":' * 70 + "1" + "}" * 70
VERY_DEEP = "[" * 100_000

UNREADABLE: list[Case] = [
    ("empty-body", "nothing", b""),
    ("empty-body", "blanks", b" \r\n"),
    ("invalid-utf-8", "form", form_body(a_form()).replace(b"%C3%A8", b"%E8")),
    ("invalid-utf-8", "rest", rest_body(an_answer()).replace(b"%C3%A8", b"%E8")),
    ("invalid-utf-8", "name", form_body(a_form()) + b"&%FF=1"),
    ("invalid-utf-8", "surrogate", form_body(a_form()) + b"&x=%ED%A0%80"),
    (
        "too-many-fields",
        "form",
        form_body({f"vads_ext_info_{number}": "" for number in range(10_000)}),
    ),
    (
        "too-many-fields",
        "rest",
        rest_body(an_answer(), **{f"x{number}": "" for number in range(9_995)}),
    ),
    ("duplicate-field", "form-signed", form_body(a_form()) + b"&vads_amount=2990"),
    ("duplicate-field", "form-unsigned", form_body(a_form()) + b"&foo=1&foo=1"),
    ("duplicate-field", "rest-signed", rest_body(an_answer()) + b"&kr-answer=%7B%7D"),
    ("duplicate-field", "rest-unsigned", rest_body(an_answer()) + b"&kr-src=PAY"),
    ("duplicate-field", "encoded-name", form_body(a_form()) + b"&vads%5Famount=2990"),
    ("unknown-format", "other", b"payment=accepted&amount=2990"),
    ("unknown-format", "json", b'{"shopId":"12345678"}'),
    ("unknown-format", "ampersands", b"&&&"),
    ("invalid-shop-id", "form", form_body(a_form(vads_site_id="12345678x"), FORM_KEY)),
    ("invalid-shop-id", "form-none", form_body(a_form(vads_site_id=None), FORM_KEY)),
    ("invalid-shop-id", "form-nul", form_body(a_form(vads_site_id="12345678\0"), FORM_KEY)),
    ("invalid-shop-id", "form-digits", form_body(a_form(vads_site_id="١٢٣٤٥٦٧٨"), FORM_KEY)),
    ("invalid-shop-id", "rest", rest_body(an_answer(whole={"shopId": "1"}), key=PASSWORD)),
    ("invalid-shop-id", "rest-true", rest_body(an_answer(whole={"shopId": True}))),
    ("mode-unreadable", "form", form_body(a_form(vads_ctx_mode="test"), FORM_KEY)),
    ("mode-unreadable", "form-none", form_body(a_form(vads_ctx_mode=None), FORM_KEY)),
    ("mode-unreadable", "rest", rest_body(an_answer(order={"mode": "LIVE"}), key=PASSWORD)),
    ("mode-unreadable", "rest-none", rest_body(an_answer(whole={"orderDetails": None}))),
    ("mode-unreadable", "rest-list", rest_body(an_answer(order={"mode": ["TEST"]}))),
    ("answer-not-json", "text", rest_body("this is not json")),
    ("answer-not-json", "none", without(rest_body(""), "kr-answer")),
    ("answer-not-json", "list", rest_body("[1,2]")),
    ("answer-not-json", "nan", with_text(AN_AMOUNT, AN_AMOUNT.replace("2990", "NaN"))),
    (
        "answer-not-json",
        "infinity",
        with_text(AN_AMOUNT, AN_AMOUNT.replace("2990", "-Infinity")),
    ),
    ("answer-not-json", "comma", with_text(AN_AMOUNT, AN_AMOUNT.replace("2990", "12,50"))),
    ("answer-not-json", "nul", with_text('"orderCycle":"', '"orderCycle":"\0')),
    ("answer-not-json", "byte-order-mark", rest_body("\ufeff" + A_TEXT)),
    ("answer-too-deep", "objects", rest_body(DEEP)),
    ("answer-too-deep", "lists", rest_body(VERY_DEEP)),
    ("duplicate-json-key", "top", with_text('{"shopId"', '{"orderCycle":"OPEN","shopId"')),
    (
        "duplicate-json-key",
        "below",
        with_text('"currency":"EUR"', '"currency":"EUR","amount":1'),
    ),
    (
        "identity-unreadable",
        "form",
        form_body(a_form(vads_trans_uuid=None, vads_trans_date=None)),
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
    ),
    (
        "identity-unreadable",
        "form-part",
        form_body(
            a_form(
                vads_payment_seq='{"transactions":[{"trans_uuid":"x","trans_status":"CAPTURED"}]}'
            )
        ),
    ),
    ("identity-unreadable", "rest-shop", rest_body(an_answer(whole={"shopId": None}))),
    ("identity-unreadable", "rest-uuid", rest_body(an_answer(uuid=None))),
    ("identity-unreadable", "rest-uuid-nul", rest_body(an_answer(uuid="a\0"))),
    ("identity-unreadable", "rest-uuid-surrogate", with_text('"uuid":"d', '"uuid":"\\ud800')),
    ("identity-unreadable", "rest-none", rest_body(an_answer(whole={"transactions": []}))),
    (
        "identity-unreadable",
        "rest-object",
        rest_body(an_answer(whole={"transactions": {"a": 1}})),
    ),
    ("identity-unreadable", "rest-texts", rest_body(an_answer(whole={"transactions": ["a"]}))),
    ("status-unreadable", "rest", rest_body(an_answer(detailedStatus=6))),
    ("status-unreadable", "rest-none", rest_body(an_answer(detailedStatus=None))),
    ("status-unreadable", "rest-empty", rest_body(an_answer(detailedStatus=""))),
    *(
        ("amount-unreadable", f"form-{text}", form_body(a_form(vads_amount=text)))
        for text in (
            "12,50",
            "12.50",
            "1e3",
            "NaN",
            " 990",
            "990\n",
            "٩٩٠",
            "9" * 19,
            "0x10",
            "990.0",
        )
    ),
    ("amount-unreadable", "form-effective", form_body(a_form(vads_effective_amount="1e3"))),
    (
        "amount-unreadable",
        "form-part-amount",
        form_body(a_form(vads_payment_seq='{"transactions":[{"trans_id":"1","amount":12.5}]}')),
    ),
    *(
        (
            "amount-unreadable",
            f"rest-{text}",
            with_text(AN_AMOUNT, AN_AMOUNT.replace("2990", text)),
        )
        for text in (
            "12.50",
            "29.9",
            "0.01",
            "1e3",
            "4.99e3",
            "4990.0e0",
            '"4990.0"',
            '"12,50"',
            "9" * 19,
            "9" * 19 + ".0",
            "9" * 400,
            "true",
            "{}",
            '{"a":1}',
            "[]",
        )
    ),
    (
        "amount-unreadable",
        "rest-order",
        rest_body(an_answer(order={"orderTotalAmount": "12,50"})),
    ),
]


@cases(UNREADABLE)
def test_what_cannot_be_read_is_refused_with_its_reason(reason: str, body: bytes) -> None:
    assert reason_of(body) == reason


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("text/plain", form_body(a_form())),
        ("multipart/form-data; boundary=x", rest_body(an_answer())),
    ],
)
def test_only_a_form_is_read(content_type: str, body: bytes) -> None:
    assert reason_of(body, content_type=content_type) == "unsupported-content-type"
