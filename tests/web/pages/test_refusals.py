"""What a reader may not see is refused as a page; what they read of a person is logged."""

from ledger.access.log import accesses
from ledger.access.users import add_user
from tests.builders import SHOP_ID, UUID, a_form_call, receive
from tests.web.pages.visiting import PASSWORD, Visiting


def test_a_read_of_personal_data_names_the_person(own_pages_anywhere: Visiting) -> None:
    receive(own_pages_anywhere.ledger, a_form_call(cust_email="jo@example.org"))
    path = f"/test/shops/{SHOP_ID}/transactions/{UUID}"
    text_by_role = {}
    for role in ("auditor", "auditor-personal"):
        own_pages_anywhere.sign_in(role)
        text_by_role[role] = own_pages_anywhere.get(path).text
        own_pages_anywhere.post("/sign-out", "/test/search")

    with own_pages_anywhere.ledger.database.connect() as connection:
        (line,) = accesses(connection, limit=9)
    assert "jo@example.org" not in text_by_role["auditor"]
    assert "jo@example.org" in text_by_role["auditor-personal"]
    assert (line.token_name, line.kind, line.reference) == ("auditor-personal", "transaction", UUID)
    assert line.token_id.startswith("user-")
    assert line.status == 200


def test_the_pages_of_other_shops_are_refused_as_a_page(own_pages: Visiting) -> None:
    with own_pages.ledger.database.begin() as connection:
        add_user(
            connection,
            name="of one shop",
            password=PASSWORD,
            role="operator",
            now=own_pages.now,
            shops=["87654321"],
        )
    own_pages.sign_in("of one shop")

    refused = own_pages.get(f"/test/shops/{SHOP_ID}/transactions/{UUID}")

    assert refused.status_code == 403
    assert refused.mimetype == "text/html"
    assert "Access denied" in refused.text


def test_refusals_are_pages_for_people_and_problems_for_machines(pages: Visiting) -> None:
    pages.sign_in("auditor")

    types = {
        (path, accept): pages.client.get(path, headers={"Accept": accept}).mimetype
        for path in ("/nowhere", "/test/nowhere", "/api/v1/nowhere")
        for accept in ("text/html", "*/*")
    }

    html, problem = "text/html", "application/problem+json"
    assert types == {
        ("/nowhere", "text/html"): html,
        ("/nowhere", "*/*"): problem,
        ("/test/nowhere", "text/html"): html,
        ("/test/nowhere", "*/*"): problem,
        ("/api/v1/nowhere", "text/html"): problem,
        ("/api/v1/nowhere", "*/*"): problem,
    }


def test_pages_bring_everything_with_them(pages: Visiting) -> None:
    pages.sign_in("auditor")

    for path in ("/sign-in", "/test/search", "/test", "/test/nowhere"):
        policy = pages.get(path, follow_redirects=True).headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
