"""What a notification says otherwise than before, beside the facts: that is news too.

Source: decision 0034.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from ledger.ipn.snapshots import Pairs

VOLATILE: Mapping[str, str] = {
    "vads_action_mode": "lost in replays, so that a first call after its replay would be news",
    "vads_page_action": "lost in replays",
    "vads_payment_config": "lost in replays",
    "vads_payment_certificate": "lost in some replays",
    "vads_language": "how the page was shown",
    "vads_available_languages": "how the page was shown",
    "vads_theme_config": "how the page was shown",
    "status": "follows from `detailedStatus`, which is a fact",
    "orderCycle": "what the whole order has come to, with its other transactions",
    "orderStatus": "what the whole order has come to",
    "orderDetails.orderEffectiveAmount": "what the whole order has come to",
    "serverDate": "the time of the message, when it cannot be read",
    "customer.extraDetails.browserAccept": "of the browser that was last used for the order",
    "customer.extraDetails.browserUserAgent": "of the browser",
    "customer.extraDetails.fingerPrintId": "of the browser",
    "customer.extraDetails.ipAddress": "of the browser",
}
"""Names of the platform whose change alone is no news, each with the reason."""


class Report(Protocol):
    """What an event, or a call that was a repeat, said beside the facts."""

    @property
    def late(self) -> bool: ...
    @property
    def doubtful(self) -> list[str] | None: ...
    @property
    def details(self) -> Pairs | None: ...
    @property
    def personal(self) -> Pairs | None: ...


Recall = Callable[[UUID, Pairs], Sequence[Report]]
"""Reads what was said of a stream before, in the words in which these texts are named: only what
may be a repeat needs it."""


def no_recall(_: UUID, _named_texts: Pairs) -> Sequence[Report]:
    """Return no report, where nothing is known beside the facts."""
    return ()


def share_names(reports: Iterable[Report], named_texts: Pairs) -> bool:
    """Return True if some of these names were used before, beyond doubt: by calls in the same
    format."""
    names = {name for name, _ in named_texts}
    return any(
        name in names
        for report in reports
        if report.doubtful is None
        for name, _ in (*(report.details or []), *(report.personal or []))
    )


def says_news(named_texts: Pairs, reports: Iterable[Report], *, is_late: bool) -> bool:
    """Return True if something is said otherwise than before.

    Shape: `named_texts` are the details and what is about a person, `reports` those so far.
    What is late is news if it was never said at all. A name that was not said before is news among
    names that were; without any of them it is the other format's name for what is known.
    """
    latest: dict[str, set[str]] = {}
    earlier: dict[str, set[str]] = {}
    for report in reports:
        for name, values in _by_name([*(report.details or []), *(report.personal or [])]).items():
            earlier.setdefault(name, set()).update(values)
            if not (report.late and name in latest):
                latest[name] = values
    said = _by_name(named_texts)
    is_known_format = not latest or not latest.keys().isdisjoint(said)
    known = earlier if is_late else latest
    return is_known_format and any(
        not values <= known.get(name, set())
        for name, values in said.items()
        if name not in VOLATILE
    )


def _by_name(named_texts: Pairs) -> dict[str, set[str]]:
    values_by_name: dict[str, set[str]] = {}
    for name, text in named_texts:
        values_by_name.setdefault(name, set()).add(text)
    return values_by_name
