"""What a refused delivery says of itself, for the list of the quarantine."""

import pytest

from ledger.ipn.modes import MODES, PUBLIC_MODES, Mode
from ledger.ipn.parse import Claim, claim_of
from tests.builders import SHOP_ID, a_delivery, a_form, an_answer, form_body, rest_body
from tests.ipn.reading import LIMITS

NOTHING = Claim(None, None, None)


@pytest.mark.parametrize(
    ("body", "claim"),
    [
        (form_body(a_form(), "another"), Claim("form-v2", SHOP_ID, "TEST", "PAY")),
        (form_body(a_form(vads_ctx_mode="LIVE"), "any"), Claim("form-v2", SHOP_ID, None, "PAY")),
        (form_body(a_form(vads_site_id="12\0"), "any"), Claim("form-v2", None, "TEST", "PAY")),
        (rest_body(an_answer(), key="another"), Claim("rest-v4", SHOP_ID, "TEST", "PAY")),
        (rest_body(an_answer(), "<b>", key="another"), Claim("rest-v4", SHOP_ID, "TEST")),
        (rest_body(an_answer(whole={"shopId": None})), NOTHING),
        (rest_body("no json"), NOTHING),
        (b"payment=accepted", NOTHING),
        (b"", NOTHING),
    ],
)
def test_a_claim_is_what_can_be_read_of_it(body: bytes, claim: Claim) -> None:
    assert claim_of(a_delivery(body), LIMITS) == claim


def test_a_mode_is_read_in_any_case() -> None:
    assert [Mode(text) for text in ("test", "Production")] == [Mode.TEST, Mode.PRODUCTION]
    assert (MODES, PUBLIC_MODES) == (("TEST", "PRODUCTION"), ("test", "production"))
    with pytest.raises(ValueError, match="live"):
        Mode("live")
