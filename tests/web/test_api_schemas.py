"""The shapes that the query API publishes, their examples, and whether answers have them."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from jsonschema_rs import meta, validator_for

from ledger.aggregates.event_catalogue import EVENT_CLASSES
from ledger.ipn.currencies import decimals_of
from tests.web.asking import Asking
from tests.web.documented_examples import all_events, documented, operations
from web.api.event_schemas import event_schema_name
from web.api.examples import FILE
from web.api.fact_schemas import AMOUNTS


def test_every_list_has_pages_of_its_own(document: dict[str, Any]) -> None:
    pages = [
        operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        for operation in operations(document)
        if operation["operationId"].startswith("list")
    ]

    assert len(set(pages)) == len(pages)
    for reference in pages:
        fields = document["components"]["schemas"][reference.rpartition("/")[2]]["properties"]
        assert "items" in fields, reference
        item = fields["items"]["items"]
        assert "$ref" in item or "$ref" in item["allOf"][0], reference
        cursor = fields.get("next_cursor", {"type": "string"})
        assert cursor["type"] in ("string", ["string", "null"]), reference


def test_moments_and_days_are_announced_as_such(document: dict[str, Any]) -> None:
    formats = {"date-time": 0, "date": 0}
    for name, described in named_fields(document):
        expected = "date-time" if name.endswith("_at") or name in ("at", "trans_date") else None
        expected = "date" if name.endswith(("_on", "_day")) or name == "day" else expected
        assert described.get("format") in (expected, "binary"), name
        if expected:
            formats[expected] += 1

    assert formats["date-time"] > 30
    assert formats["date"] >= 3


def named_fields(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every field of every shape that is no body of a question."""
    for shape_name, shape in document["components"]["schemas"].items():
        for part in (shape, *shape.get("allOf", ())):
            if not shape_name.endswith("Body"):
                yield from part.get("properties", {}).items()


def test_a_word_of_the_platform_is_never_all_that_there_can_be(document: dict[str, Any]) -> None:
    """The platform adds statuses: a typed client must not break on the first of them."""
    platforms = {"status", "operation_type", "payment_method", "source", "request"}
    ours = {"rule", "reason"}

    for name, described in named_fields(document):
        if name in platforms | ours:
            assert not {"enum", "$ref", "anyOf"} & set(described), name
    shapes = document["components"]["schemas"]
    known = shapes["Transaction"]["properties"]["status"]["x-extensible-enum"]
    assert {"CAPTURED", "REFUSED", "ABANDONED"} <= set(known)
    assert shapes["Mode"]["enum"] == ["test", "production"]


def test_decimals_of_the_amounts_in_the_documents_are_those_of_the_table() -> None:
    assert AMOUNTS == "2990 is 29.90 EUR, 2990 JPY (no decimals) or 2.990 KWD (three)"
    assert [decimals_of(letters) for letters in ("EUR", "JPY", "KWD")] == [2, 0, 3]


# -- events ---------------------------------------------------------------------------------------


def test_every_event_has_its_shape(document: dict[str, Any]) -> None:
    shapes = document["components"]["schemas"]
    mapping = shapes["Event"]["discriminator"]["mapping"]

    assert set(mapping) == set(EVENT_CLASSES)
    choices = [choice["$ref"] for choice in shapes["Event"]["oneOf"]]
    assert choices == [*mapping.values(), "#/components/schemas/UnknownEvent"]
    for topic, reference in mapping.items():
        name = reference.rpartition("/")[2]
        assert re.fullmatch(r"[A-Za-z]+Event", name)
        meta.validate(shapes[name])
        assert shapes[name]["allOf"][1]["properties"]["type"]["const"] == topic


def test_every_event_is_exactly_what_its_type_says(
    documented_api: Asking, document: dict[str, Any]
) -> None:
    mapping = document["components"]["schemas"]["Event"]["discriminator"]["mapping"]
    any_event = validator_of(document, "Event")

    events = all_events(documented_api)

    assert {event["type"] for event in events} == set(EVENT_CLASSES)
    for event in events:
        any_event.validate(event)
        validator_of(document, mapping[event["type"]].rpartition("/")[2]).validate(event)
    newer = events[0] | {"type": "transaction.from-the-future", "data": {"anything": 1}}
    any_event.validate(newer)
    validator_of(document, "UnknownEvent").validate(newer)
    assert not validator_of(document, "UnknownEvent").is_valid(events[0])


def validator_of(document: dict[str, Any], name: str) -> Any:
    """Return what validates against a shape of the document, formats included."""
    reference = {"$ref": f"#/components/schemas/{name}"}
    return validator_for(document | reference, validate_formats=True)


# -- examples -------------------------------------------------------------------------------------


def test_the_examples_are_what_the_service_answers(documented_api: Asking) -> None:
    is_current = documented(documented_api) == orjson.loads(FILE.read_bytes())

    assert is_current, "run `python -m tests.update`"


def test_every_object_item_and_event_has_an_example_of_its_shape(document: dict[str, Any]) -> None:
    shapes = document["components"]["schemas"]
    named = {name for name, shape in shapes.items() if "examples" in shape}

    assert {"Transaction", "Alias", "Subscription", "Order", "Notification"} < named
    assert {"DailyTotal", "AuditTrailItem", "AccessAnswer", "ProblemAnswer"} < named
    assert set(map(event_schema_name, EVENT_CLASSES)) < named
    for name in named:
        for example in shapes[name]["examples"]:
            validator_of(document, name).validate(example)


def parameters(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from item.get("parameters", ())
    for operation in operations(document):
        yield from operation.get("parameters", ())


def test_parameters_have_examples_that_they_accept(document: dict[str, Any]) -> None:
    shown = [each for each in parameters(document) if "example" in each]

    assert {each["name"] for each in shown} > {"shop_id", "name", "as_of", "order_id", "type"}
    for each in shown:
        schema = document | {"allOf": [each["schema"]]}
        validator_for(schema, validate_formats=True).validate(each["example"])


def test_an_answer_holds_nothing_that_is_not_described(
    documented_api: Asking, document: dict[str, Any]
) -> None:
    """Answers are open, so that fields may come: here nothing may be missing in the document."""
    shapes = document["components"]["schemas"]

    for path in LISTS:
        for item in documented_api.get(f"/api/v1/{path}?limit=500", "operator")["items"]:
            assert set(item) <= set(shapes[LISTS[path]]["properties"]), path
    for event in all_events(documented_api):
        head = shapes["EventHead"]["properties"]
        assert set(event) <= {*head, "type", "data"}
        data, facts = data_and_facts(shapes, event["kind"], event["type"])
        assert set(event["data"]) <= set(data)
        assert set(event["data"]["facts"]) <= set(facts)
    for name in ("Transaction", "Alias", "Subscription", "Order"):
        (example,) = shapes[name]["examples"]
        assert set(example) <= set(shapes[name]["properties"]), name


LISTS = {
    "transactions": "Transaction",
    "aliases": "Alias",
    "subscriptions": "Subscription",
    "orders": "Order",
    "totals": "DailyTotal",
    "audit-trail": "AuditTrailItem",
    "notifications": "Notification",
    "access-log": "AccessAnswer",
    "projections": "ProjectionAnswer",
}


def data_and_facts(shapes: dict[str, Any], kind: str, topic: str) -> tuple[Any, Any]:
    name = "Instalment" if ".instalment-" in topic else kind.title()
    return shapes[f"{name}EventData"]["properties"], shapes[f"{name}Facts"]["properties"]


@pytest.mark.parametrize("kind", ["transactions", "aliases", "subscriptions"])
def test_an_item_of_a_list_is_the_object_itself(documented_api: Asking, kind: str) -> None:
    items = documented_api.get(f"/api/v1/{kind}?limit=100")["items"]

    assert items
    for item in items:
        whole = documented_api.get(item["links"]["self"])
        assert {name: whole[name] for name in item} == item
        assert documented_api.get(item["links"]["history"])["events"]


def test_an_order_of_a_list_is_the_order_itself(documented_api: Asking) -> None:
    for item in documented_api.get("/api/v1/orders?limit=100")["items"]:
        whole = documented_api.get(item["links"]["self"])
        balances = item.pop("balances")
        assert bool(balances) == bool(whole["balances"])
        assert all(balance in whole["balances"] for balance in balances)
        assert whole["first_seen_at"] <= item.pop("first_seen_at")  # in one currency
        assert whole["last_changed_at"] >= item.pop("last_changed_at")
        assert {name: whole[name] for name in item} == item
