"""The parameters of the query API, most of them derived from filters, and the bodies it reads."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from ledger.instants import read_as_of, read_day, read_since, read_until
from ledger.ipn.refusal_reasons import REASONS
from ledger.ipn.storable import INTEGER_MAX
from ledger.queries.filter_conditions import TEXT_MAX, Comparison, Condition, Filter, conditions_of
from ledger.queries.filter_declarations import EventFilter, NotificationFilter
from ledger.queries.orders import TRANSACTIONS_DEFAULT
from ledger.recording.confirmation import REASON_LENGTH_MAX
from web.api.parameter_names import Query, Question

LIMIT_MAX = 500
EVENTS_DEFAULT = 100
"""Of a history, so that nearly all come whole."""
WAIT_SECONDS_MAX = 30

STORABLE = validate.Regexp(r"^[^\x00]*\Z", error="holds a character that nothing stored has")
TEXT = (
    validate.Length(min=1, max=TEXT_MAX, error="must have 1 to {max} characters"),
    STORABLE,
)


class InstantParameter(fields.String):
    """An ISO 8601 instant; `read` says what a bare day means."""

    def __init__(self, read: Callable[[str], datetime], meaning: str, **more: Any) -> None:
        super().__init__(metadata={"format": "date-time", "description": meaning}, **more)
        self._read = read

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._read(super()._deserialize(value, *args, **kwargs))
        except ValueError as error:
            raise ValidationError("is no ISO 8601 instant, as 2026-03-10T09:15:00Z") from error


class DayParameter(fields.Date):
    """A day of the calendar; a week is none."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        try:
            return read_day(str(value))
        except ValueError as error:
            raise ValidationError("is no day, as 2026-03-10") from error


class AnyCaseParameter(fields.String):
    """A word that is accepted in any case."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return super()._deserialize(value, *args, **kwargs).lower()


def flag_parameter(meaning: str, **more: Any) -> fields.Boolean:
    """Return a parameter that is `true` or `false`, and nothing else."""
    return fields.Boolean(truthy={"true"}, falsy={"false"}, metadata=described(meaning), **more)


def integer_parameter(
    meaning: str, least: int = -INTEGER_MAX, most: int = INTEGER_MAX, **more: Any
) -> fields.Integer:
    """Return a parameter that is a whole number."""
    validator = validate.Range(least, most, error="must be from {min} to {max}")
    return fields.Integer(validate=validator, metadata=described(meaning), **more)


def one_of(choices: Iterable[str]) -> validate.OneOf:
    """Return what refuses every other word."""
    return validate.OneOf(tuple(choices), error="must be one of {choices}")


def described(meaning: str) -> dict[str, str]:
    return {"description": meaning} if meaning else {}


def schema_of(filter_class: type[Filter], base: type[Schema], *, name: str) -> type[Schema]:
    """Return the schema of a filter's parameters and those of `base`."""
    parameters = {name: _parameter(each) for name, each in conditions_of(filter_class).items()}
    return type(name, (base, Query.from_dict(parameters, name=f"{name}Filter")), {})


def _parameter(condition: Condition) -> fields.Field[Any]:
    if condition.comparison in _PARAMETERS:
        return _PARAMETERS[condition.comparison](condition.meaning)
    if condition.comparison is not Comparison.AMONG:
        return _text(condition)
    metadata = described(f"{condition.meaning}; may be given several times")
    return fields.List(_text(condition), metadata=metadata)


def _text(condition: Condition) -> fields.Field[Any]:
    allowed: Any = one_of(condition.choices) if condition.choices else TEXT
    kind = AnyCaseParameter if condition.choices and condition.is_upper else fields.String
    return kind(validate=allowed, metadata={**described(condition.meaning), **condition.schema})


def _day(meaning: str) -> fields.Date:
    return DayParameter(metadata=described(meaning))


_PARAMETERS: Mapping[Comparison, Callable[[str], fields.Field[Any]]] = {
    Comparison.SINCE: partial(InstantParameter, read_since),
    Comparison.UNTIL: partial(InstantParameter, read_until),
    Comparison.FIRST_DAY: _day,
    Comparison.LAST_DAY: _day,
    Comparison.AT_LEAST: integer_parameter,
    Comparison.AT_MOST: integer_parameter,
    Comparison.IS_POSITIVE: flag_parameter,
    Comparison.IS_SET: flag_parameter,
}

_ALIAS = fields.String(
    load_default=None,
    validate=STORABLE,
    metadata=described("which one, when several have this id"),
)
_LIMIT = integer_parameter("how many at most", 1, LIMIT_MAX, load_default=50)


class AsOfQuery(Query):
    as_of = InstantParameter(
        read_as_of,
        "the state as it was known at this instant; a bare day means its end",
        load_default=None,
    )


class ComparedQuery(AsOfQuery):
    against = InstantParameter(
        read_as_of,
        "also what was known otherwise at this instant, as `comparison`; a bare day means its end",
        load_default=None,
    )


def _page(unit: str, default: int) -> type[Schema]:
    """Return the parameters of a page that begins behind a position."""
    return Query.from_dict(
        {
            "limit": integer_parameter(f"how many {unit}", 1, LIMIT_MAX, load_default=default),
            "cursor": integer_parameter("`next_cursor` of the page before", 0, load_default=0),
        },
        name=f"{unit.title()}Page",
    )


class OrderQuery(ComparedQuery, _page("transactions", TRANSACTIONS_DEFAULT)):  # type: ignore[misc]  # made of fields
    """Which transactions of an order, as known when."""


HistoryPage = _page("events", EVENTS_DEFAULT)


class _VersionQuery(AsOfQuery):
    version = integer_parameter("as it was at this version", 1, load_default=None)


class ItemQuery(_VersionQuery, ComparedQuery):
    pass


class SubscriptionQuery(ItemQuery):
    alias = _ALIAS


class OrderHistoryQuery(AsOfQuery, HistoryPage):  # type: ignore[misc,valid-type]  # made of fields
    pass


class ItemHistoryQuery(_VersionQuery, HistoryPage):  # type: ignore[misc,valid-type]
    pass


class SubscriptionHistoryQuery(ItemHistoryQuery):
    alias = _ALIAS


class FeedPage(Query):
    after = integer_parameter(
        "the last position already read; 0 begins at the beginning", 0, load_default=0
    )
    cursor = integer_parameter("the same as `after`, as lists call it", 0, load_default=None)
    limit = _LIMIT
    wait = integer_parameter(
        "seconds to wait for an event when there is none yet", 0, WAIT_SECONDS_MAX, load_default=0
    )
    details = flag_parameter(
        "also the platform's other fields and personal data", load_default=False
    )


class NotificationsPage(Query):
    limit = _LIMIT
    cursor = fields.String(
        load_default=None,
        validate=validate.Regexp(r"^[0-9A-Z]{26}\Z", error="is no cursor of this list"),
    )


FeedQuery = schema_of(EventFilter, FeedPage, name="FeedQuery")
NotificationsQuery = schema_of(NotificationFilter, NotificationsPage, name="NotificationsQuery")


class _PreviewedBody(Question):
    dry_run = fields.Boolean(
        truthy={True},
        falsy={False},
        load_default=True,
        metadata=described("only say what it would touch"),
    )

    @validates_schema(pass_original=True)
    def _is_told_as_a_boolean(self, loaded: Any, original: Any, **more: Any) -> None:
        if isinstance(original, dict) and not isinstance(original.get("dry_run", True), bool):
            raise ValidationError("must be true or false", "dry_run")


class ReadmitBody(_PreviewedBody):
    reason = fields.String(
        required=True,
        validate=one_of(sorted(REASONS)),
        metadata=described("all that wait in quarantine for this reason"),
    )


class ConfirmBody(_PreviewedBody):
    reason = fields.String(
        required=True,
        validate=[
            validate.Length(1, REASON_LENGTH_MAX, error="must have 1 to {max} characters"),
            STORABLE,
        ],
        metadata=described("why it is believed; kept with the event"),
    )
    version = fields.Integer(
        required=True,
        validate=validate.Range(min=1, error="must be 1 or more"),
        metadata=described("of the transaction as it was looked at; 404 when it has changed"),
    )


class BundleQuery(Query):
    facts_only = flag_parameter("without raw bodies and personal data", load_default=False)


class SubscriptionBundleQuery(BundleQuery):
    alias = _ALIAS


class NotesQuery(Query):
    pass


class SubscriptionNotesQuery(Query):
    alias = _ALIAS


ConsistencyQuery = Query.from_dict(
    {
        "from": integer_parameter("the size of the earlier log", 1, load_default=1),
        "to": integer_parameter("of the later one; the newest checkpoint's", 1, load_default=None),
    },
    name="ConsistencyQuery",
)


class AccessLogQuery(Query):
    token_id = fields.String(load_default=None, validate=STORABLE)
    kind = fields.String(load_default=None, validate=STORABLE)
    shop_id = fields.String(load_default=None, validate=STORABLE)
    limit = _LIMIT
    cursor = integer_parameter("", 1, load_default=None)
