"""What the query API says about itself, and whether it is true."""

import re
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from tests.web.asking import AT, Asking
from tests.web.documented_examples import PAYMENT, PLAN, TOKEN, operations

DOCUMENT = "/api/v1/openapi.json"


def test_every_route_is_described(documented_api: Asking, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in documented_api.app.url_map.iter_rules()
        for method in rule.methods or ()
        if rule.rule.startswith("/api/") and method not in ("HEAD", "OPTIONS")
    }

    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert document["openapi"].startswith("3.1")
    operations = {(path, method) for path, method in described if method in ("get", "post")}
    assert operations == routes - {(DOCUMENT, "get")}


def test_every_operation_says_what_it_is_for(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for method in set(item) & {"get", "post"}:
            assert item[method]["summary"], path
            statuses = set(item[method]["responses"])
            assert {"200", "401", "403", "404", "422", "429"} <= statuses, path


OPERATIONS = {
    *("listTransactions", "getTransaction", "getTransactionHistory", "confirmTransaction"),
    *("listAliases", "getAlias", "getAliasHistory"),
    *("listSubscriptions", "getSubscription", "getSubscriptionHistory"),
    *("listOrders", "getOrder", "getOrderHistory", "listTotals", "listAuditTrail"),
    *("listEvents", "getEvidence", "listNotifications", "getNotification"),
    *("getNotificationBody", "readmitNotification", "readmitNotifications"),
    *("exportEvents", "exportTransactions", "exportNotifications"),
    *("listProjections", "listAccesses"),
}
"""Names that clients call: one that goes breaks them."""


def test_every_operation_has_a_name_that_stays(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(document)]

    assert len(set(names)) == len(names)
    assert set(names) >= OPERATIONS
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", name) for name in names)


def test_every_reference_of_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r"'\$ref': '#/([^']+)'", str(document)))

    for reference in references:
        target: Any = document
        for name in reference.split("/"):
            target = target[name]
        assert target


# -- the page -------------------------------------------------------------------------------------


def test_the_readable_page_names_everything_and_loads_nothing(
    documented_api: Asking, document: dict[str, Any]
) -> None:
    response = documented_api.call("/docs", None)

    assert response.content_type.startswith("text/html")
    for path in document["paths"]:
        assert path in response.text
    for topic in EVENT_CLASSES:
        assert topic in response.text
    assert "<script" not in response.text
    assert not re.search(r'(src|href)="(https?:)?//', response.text)
    assert "style-src 'sha256-" in response.headers["Content-Security-Policy"]


def test_the_readable_page_has_no_marks_of_its_writers(documented_api: Asking) -> None:
    page = documented_api.call("/docs", None).text

    assert "`" not in re.sub(r"<pre>.*?</pre>", "", page, flags=re.DOTALL)
    assert not re.search(r"Refusals</a>: [0-9, ]*304", page)
    assert "304 when nothing has changed" in page
    assert '<a href="/">' in page
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets <= set(re.findall(r'id="([^"]+)"', page))


# -- the whole document, against the service ------------------------------------------------------

EXAMPLES = 5  # for each operation: seconds in all


def test_machine_made_questions_find_nothing_wrong(documented_api: Asking) -> None:
    """Answers have the statuses, types and shapes of the document; nothing breaks; bad questions
    are refused and good ones are not."""
    documented_api.is_stopping = lambda: True  # nobody waits
    headers = {"Authorization": f"Bearer {documented_api.token('operator')}"}
    schema = schemathesis.openapi.from_wsgi(DOCUMENT, documented_api.app)
    tried = set()
    known = _known(documented_api)

    for operation in schema.get_all_operations():
        path = operation.ok().path
        name = next((known[kind] for kind in KINDS if f"/{kind}/" in path), "")
        there = {
            parameter: text
            for parameter, text in (known | {"name": name}).items()
            if f"{{{parameter}}}" in path
        }
        if there:
            _ask(operation.ok(), GenerationMode.POSITIVE, headers, path_parameters=there)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                _ask(operation.ok(), mode, headers)
            except Unsatisfiable:  # nothing can be asked wrongly of it
                assert mode is GenerationMode.NEGATIVE
        tried.add(operation.ok().label)

    assert len(tried) > 15
    assert documented_api.call(f"{AT}/transactions/{PAYMENT['vads_trans_uuid']}").status_code == 200


def _cannot_hold(case: Case) -> list[Any]:
    """Where a parameter is a list of any text, nothing that an address can say violates it; and no
    schema says which bytes are a file of the platform, which text is blank, or that days and
    instants exclude each other."""
    label = case.operation.label
    is_written = case.method == "POST" and label.endswith(("/files", "/notes"))
    if is_written or label.endswith("/exports/accounting"):
        return [schemathesis.checks.CHECKS.get_one("positive_data_acceptance")]
    parameters = case.operation.definition.raw.get("parameters", ())
    has_list = any(parameter.get("schema", {}).get("type") == "array" for parameter in parameters)
    return [schemathesis.checks.CHECKS.get_one("negative_data_rejection")] if has_list else []


KINDS = ("transactions", "aliases", "subscriptions", "orders")


def _known(api: Asking) -> dict[str, Any]:
    """Return names of objects that are there, so that their shapes are looked at too."""
    events = api.get("/api/v1/events?limit=500&shop_id=12345678&mode=test", "operator")["items"]
    first = {event["kind"]: event for event in reversed(events)}
    return {
        "shop_id": "12345678",
        "mode": "test",
        "transactions": PAYMENT["vads_trans_uuid"],
        "orders": PAYMENT["vads_order_id"],
        "aliases": TOKEN["vads_identifier"],
        "subscriptions": PLAN["vads_subscription"],
        "position": first["transaction"]["position"],
        "notification_id": first["transaction"]["notification_id"],
    }


def _ask(operation: Any, mode: GenerationMode, headers: dict[str, str], **fixed: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode, **fixed))
    def ask(case: Case) -> None:
        if case.query and "cursor" in case.query and mode is GenerationMode.POSITIVE:
            del case.query["cursor"]  # no pattern tells which one a list has given
        case.call_and_validate(headers=headers, excluded_checks=_cannot_hold(case))

    ask()
