"""The keys that the service holds, as operators ask for them: never a secret."""

from ledger.ipn.shops_and_keys import KINDS
from tests.builders import OTHER_SHOP_ID, SHOP_ID, a_form_call, secret
from tests.web.asking import Asking
from tests.web.test_api_notifications import a_waiting

PATH = "/api/v1/keys"


def test_an_operator_sees_which_calls_fail_and_never_a_secret(api: Asking) -> None:
    a_waiting(api, a_form_call())

    response = api.call(PATH, "operator")

    items = response.get_json()["items"]
    places = [(item["shop_id"], item["mode"]) for item in items]
    assert places == [
        (shop_id, mode) for mode in ("test", "production") for shop_id in (SHOP_ID, OTHER_SHOP_ID)
    ]
    (failing,) = items[0]["failing"]
    assert failing["reasons"] == [{"reason": "no-key", "count": 1}]
    assert failing["failing_since_at"] == failing["first_at"]
    assert (
        items[0]["keys"][0]["fingerprint"]
        == api.ledger.shops.shop_by_id[SHOP_ID].keys[0].fingerprint
    )
    assert not any(secret(SHOP_ID, "TEST", kind) in response.text for kind in KINDS)


def test_keys_are_for_operators_and_of_their_shops(api_on_sqlite: Asking) -> None:
    refused = api_on_sqlite.call(PATH, "auditor-personal")
    limited = api_on_sqlite.call(PATH, "operator", shops=(SHOP_ID,))

    assert refused.status_code == 403
    assert {item["shop_id"] for item in limited.get_json()["items"]} == {SHOP_ID}
