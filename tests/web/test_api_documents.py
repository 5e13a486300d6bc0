"""What the query API says about itself, and whether it is true."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from jsonschema_rs import meta, validator_for
from schemathesis import Case, GenerationMode

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from tests.builders import UUID, a_form_call, example_body, examples, receive
from tests.conftest import opened
from tests.web.asking import AT, Asking, asking

DOCUMENT = "/api/v1/openapi.json"


@pytest.fixture(scope="module")
def service(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """The query API before a ledger that received every example."""
    path = tmp_path_factory.mktemp("documented") / "ledger.sqlite"
    shutil.copyfile(sqlite_template, path)
    with opened(f"sqlite:///{path}") as database:
        api = asking(database)
        for format_, name in examples():
            receive(api.ledger, example_body(format_, name))
        receive(api.ledger, a_form_call())
        receive(api.ledger, b"")
        api.follow()
        yield api


@pytest.fixture(scope="module")
def document(service: Asking) -> dict[str, Any]:
    specification: dict[str, Any] = service.get(DOCUMENT, None)
    return specification


def test_every_route_is_described(service: Asking, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in service.app.url_map.iter_rules()
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


def test_every_event_has_its_shape(document: dict[str, Any]) -> None:
    shapes = document["components"]["schemas"]

    assert set(EVENT_CLASSES) <= set(shapes)
    for topic in EVENT_CLASSES:
        meta.validate(shapes[topic])


def test_events_of_every_example_have_the_shape_that_was_published(
    service: Asking, document: dict[str, Any]
) -> None:
    shapes = document["components"]["schemas"]

    events = service.get("/api/v1/events?limit=500&details=true", "operator")["items"]

    assert len({event["type"] for event in events}) > 20
    for event in events:
        validator_for(shapes[event["type"]]).validate(event["data"])


def test_every_reference_of_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(re.findall(r"'\$ref': '#/([^']+)'", str(document)))

    for reference in references:
        target: Any = document
        for name in reference.split("/"):
            target = target[name]
        assert target


def test_the_readable_page_names_everything_and_loads_nothing(
    service: Asking, document: dict[str, Any]
) -> None:
    response = service.call("/docs", None)

    assert response.content_type.startswith("text/html")
    for path in document["paths"]:
        assert path in response.text
    for topic in EVENT_CLASSES:
        assert topic in response.text
    assert "<script" not in response.text
    assert not re.search(r'(src|href)="(https?:)?//', response.text)
    assert "style-src 'sha256-" in response.headers["Content-Security-Policy"]


# -- the whole document, against the service ------------------------------------------------------

EXAMPLES = 5  # for each operation: seconds in all


def test_machine_made_questions_find_nothing_wrong(service: Asking) -> None:
    """Answers have the statuses, types and shapes of the document; nothing breaks; bad questions
    are refused and good ones are not."""
    service.is_stopping = lambda: True  # nobody waits
    headers = {"Authorization": f"Bearer {service.token('operator')}"}
    schema = schemathesis.openapi.from_wsgi(DOCUMENT, service.app)
    tried = set()
    known = _known(service)

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
    assert service.call(f"{AT}/transactions/{UUID}").status_code == 200


def _cannot_hold(case: Case) -> list[Any]:
    """Where a parameter is a list of any text, nothing that an address can say violates it."""
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
        "transactions": UUID,
        "orders": "CMD-2026-0001",
        "aliases": first["alias"]["reference"],
        "subscriptions": first["subscription"]["reference"],
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
