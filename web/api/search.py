"""Search over HTTP: what a typed text finds, as the box of the pages does it.

What may be about a person is posted, so that no address and no log of one holds it.
"""

from typing import Any
from urllib.parse import urlencode

from flask import Response
from marshmallow import RAISE, fields

from ledger.instants import write_public_instant
from ledger.ipn.kinds import KINDS
from ledger.ipn.modes import PUBLIC_MODES
from ledger.queries.find_by_name import NOTIFICATION, TRANSACTION, Meaning
from ledger.queries.find_by_text import PaymentsMeant
from ledger.queries.lists import Item
from web.api.answer_fields import (
    answer_schema,
    flag,
    many,
    nested,
    number,
    optional_day,
    text,
    texts,
)
from web.api.fact_schemas import AMOUNTS
from web.api.lists import object_item
from web.api.object_answers import ORDER, Transaction
from web.api.objects import links_of
from web.api.parameter_names import Query, Question
from web.api.query_schemas import TEXT, AnyCaseParameter, described, one_of
from web.api.responses import PREFIX, a_blueprint, answer, link
from web.searching import (
    PERSON_ANSWERS,
    PERSON_KINDS,
    AboutPerson,
    about_person,
    find_text,
    other_mode_with,
    payments_named,
)
from web.unverified import unverified

bp = a_blueprint("search", "What a typed text finds: names and parts of them, amounts, days.")
ZONE = "UTC"

Named = answer_schema(
    "Named",
    kind=text(choices=(*KINDS, ORDER, NOTIFICATION)),
    name=text("its uuid or reference, its id"),
    shop_id=text(none=True),
    mode=text(choices=PUBLIC_MODES, none=True),
    alias=text("of a subscription", none=True),
    position=number("of the event that the text names", none=True),
    links=nested(answer_schema("NamedLinks", self=text())),
)
Meant = answer_schema(
    "Meant",
    part=text("of a name, which the text holds besides", none=True),
    amount_minor=number(f"in minor units of `currency`: {AMOUNTS}", none=True),
    currency=text(none=True),
    day=optional_day("in UTC, on which the platform has recorded them"),
    items=many(Transaction, "the newest of them"),
    has_more=flag("the list has more"),
    links=nested(answer_schema("MeantLinks", transactions=text("the list of all of them"))),
)
SearchAnswer = answer_schema(
    "SearchAnswer",
    mode=text(choices=PUBLIC_MODES),
    named=many(Named, "what has exactly this name; `#412` is the object of that event"),
    parts=many(Named, "aliases and subscriptions with the text in their names"),
    transactions=nested(Meant, "payments with the text in their names"),
    meant=many(Meant, "payments of the amount and the day in the text, by currency"),
    key=nested(
        answer_schema("NamedKey", shop_id=text(), kind=text()),
        "the signing key with this fingerprint",
        none=True,
    ),
    person=nested(
        answer_schema(
            "PersonAnswer",
            kind=text("what of a person the text may be", choices=PERSON_KINDS),
            answer=text("only a text that was posted is searched for", choices=PERSON_ANSWERS),
            count=number("how many deliveries hold it"),
            has_more=flag("only the newest were looked at"),
            items=many(Transaction, "what they are about"),
            others=many(Named),
            notifications=texts("their addresses, of those about nothing that is listed"),
        ),
        "null when the text can be about none",
        none=True,
    ),
    unverified=nested(
        answer_schema(
            "UnverifiedCalls",
            count=number("how many calls wait, which are not searched"),
            notifications=texts("their addresses, of those that name it, for who may see them"),
        ),
        "only where nothing was found",
        none=True,
    ),
    other_mode=text("the other mode, where it is found", choices=PUBLIC_MODES, none=True),
)


def _parameters() -> dict[str, fields.Field[Any]]:
    meaning = "a name or a part of one, an amount, a day, `#` and the number of an event"
    return {
        "q": fields.String(required=True, validate=TEXT, metadata=described(meaning)),
        "mode": AnyCaseParameter(required=True, validate=one_of(PUBLIC_MODES)),
    }


SearchQuery = Query.from_dict(_parameters(), name="SearchQuery")
SearchBody = Question.from_dict(_parameters(), name="SearchBody")


@bp.route("/search")
@bp.arguments(SearchQuery, location="query", unknown=RAISE)
@bp.response(200, SearchAnswer)
def search(parameters: dict[str, Any]) -> Response:
    """Say what a typed text finds; nobody is looked for by it."""
    return _answer(parameters, is_posted=False)


@bp.route("/search", methods=["POST"])
@bp.arguments(SearchBody, location="json", unknown=RAISE)
@bp.response(200, SearchAnswer)
def search_posted(parameters: dict[str, Any]) -> Response:
    """Say what a text finds, also of a person: by e-mail address, phone, the end of a card beside
    a day, an amount or part of an order, or the SHA-256 of a body. This changes nothing."""
    return _answer(parameters, is_posted=True)


def _answer(parameters: dict[str, Any], *, is_posted: bool) -> Response:
    typed, mode = parameters["q"], parameters["mode"]
    results, listed = find_text(typed, mode, ZONE), payments_named(typed, mode)
    person = about_person(typed, mode, ZONE, is_posted=is_posted)
    is_found = bool(results.named or results.has_more or listed.items)
    is_found = is_found or (person is not None and person.has_found)
    waiting = None if is_found else unverified(typed, mode)
    return answer(
        {
            "mode": mode,
            "named": list(map(_named, results.named)),
            "parts": list(map(_named, results.partly_named)),
            "transactions": _meant(listed),
            "meant": list(map(_meant, results.meant)),
            "key": results.key and {"shop_id": results.key.shop_id, "kind": results.key.kind},
            "person": person and _person(person),
            "unverified": waiting
            and {
                "count": waiting.count,
                "notifications": [link("notifications", id_) for id_ in waiting.delivery_ids],
            },
            "other_mode": None if is_found else other_mode_with(typed, mode, ZONE),
        }
    )


def _named(meaning: Meaning) -> dict[str, Any]:
    kind, name = meaning.kind, meaning.name
    if kind == NOTIFICATION:
        address = link("notifications", name)
    else:
        address = links_of(kind, meaning.shop_id or "", meaning.mode or "", name, meaning.alias)[
            "self"
        ]
    names = ("kind", "name", "shop_id", "mode", "alias", "position")
    return {each: getattr(meaning, each) for each in names} | {"links": {"self": address}}


def _meant(meant: PaymentsMeant) -> dict[str, Any]:
    filters = meant.filters
    bounds = {
        name: write_public_instant(at)
        for name in ("created_from", "created_until")
        if (at := getattr(filters, name)) is not None
    }
    exact = {name: getattr(filters, name) for name in ("search", "currency")}
    amounts = {name: getattr(filters, name) for name in ("amount_min", "amount_max")}
    given = {"mode": (filters.mode or "").lower(), **exact, **amounts, **bounds}
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return {
        "part": meant.part,
        "amount_minor": meant.amount_minor,
        "currency": meant.currency,
        "day": None if meant.day is None else meant.day.isoformat(),
        "items": list(map(_transaction, meant.items)),
        "has_more": meant.has_more,
        "links": {"transactions": f"{PREFIX}/transactions?{query}"},
    }


def _person(person: AboutPerson) -> dict[str, Any]:
    findings = person.findings
    return {
        "kind": person.kind,
        "answer": person.answer,
        "count": findings.count if findings else 0,
        "has_more": bool(findings and findings.has_more),
        "items": list(map(_transaction, findings.items)) if findings else [],
        "others": list(map(_named, findings.related)) if findings else [],
        "notifications": [
            link("notifications", id_) for id_ in (findings.delivery_ids if findings else ())
        ],
    }


def _transaction(item: Item) -> Item:
    return object_item(TRANSACTION, "reference", item)
