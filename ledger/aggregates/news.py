"""What a notification says otherwise than before, beside the facts: that is news too.

Source: decision 0034.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import chain
from typing import Protocol
from uuid import UUID

from ledger.ipn.harmless_names import is_harmless
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
    @property
    def is_closed(self) -> bool:
        """Return True if it said more, which nobody can read any more."""


class Recollection(Protocol):
    """What was said of one stream before, the newest report first."""

    def in_the_open(self) -> Iterable[Report]:
        """Return what is readable without opening anything: facts and harmless details."""

    def opened(self, named_texts: Pairs) -> Iterable[Report]:
        """Yield all of it, in the words in which these texts are named; each report is opened when
        it is asked for."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was said before, with what is pending; doubtful reports count for doubtful calls."""

    recollection: Recollection
    pending: Sequence[Report]
    _: KW_ONLY
    counts_doubtful: bool

    def in_the_open(self) -> Iterable[Report]:
        return self._counting(self.recollection.in_the_open())

    def opened(self, named_texts: Pairs) -> Iterable[Report]:
        return self._counting(self.recollection.opened(named_texts))

    def _counting(self, reports: Iterable[Report]) -> Iterable[Report]:
        every = chain(self.pending, reports)
        return (each for each in every if self.counts_doubtful or each.doubtful is None)


Recall = Callable[[UUID], Recollection]
"""Reads what was said of a stream before: only what may be a repeat needs it."""


class NothingSaid:
    """Remembers no report, where nothing is known beside the facts."""

    def in_the_open(self) -> Iterable[Report]:
        return ()

    def opened(self, named_texts: Pairs) -> Iterable[Report]:
        return ()


def no_recall(_: UUID) -> Recollection:
    """Return no report, where nothing is known beside the facts."""
    return NothingSaid()


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


def brings_news(named_texts: Pairs, recollection: Recollection, *, is_late: bool) -> bool:
    """Return True if something is said otherwise than before; open nothing that need not be."""
    if not is_late and contradicts_open(named_texts, recollection.in_the_open()):
        return True
    return says_news(named_texts, recollection.opened(named_texts), is_late=is_late)


def contradicts_open(named_texts: Pairs, reports: Iterable[Report]) -> bool:
    """Return True if something under a harmless name is said otherwise than it stands now."""
    unsettled = {name: said for name, said in _telling(named_texts).items() if is_harmless(name)}
    for report in reports:
        if report.late:
            continue
        known = _by_name(report.details or [])
        if any(not unsettled[name] <= known[name] for name in unsettled.keys() & known.keys()):
            return True
        unsettled = {name: said for name, said in unsettled.items() if name not in known}
    return False


def says_news(named_texts: Pairs, reports: Iterable[Report], *, is_late: bool) -> bool:
    """Return True if something is said otherwise than before.

    Shape: `named_texts` are the details and what is about a person, `reports` those so far, the
    newest first; no more of them are read than it takes.
    What is late is news if it was never said at all. A name that was not said before is news among
    names that were; without any of them it is the other format's name for what is known. Where a
    report cannot be read any more, only facts and harmless names can still be news.
    """
    comparison = _Comparison(_telling(named_texts), {name for name, _ in named_texts}, is_late)
    for report in reports:
        comparison.read(report)
        if comparison.is_settled:
            break
    return comparison.has_news()


@dataclass(slots=True)
class _Comparison:
    """Compares what is said with one report after the other, from the newest back."""

    unsettled: dict[str, set[str]]
    said_names: set[str]
    is_late: bool
    has_reports: bool = False
    is_known_format: bool = False
    has_closed: bool = False
    differs: bool = False
    late_texts: dict[str, set[str]] = field(default_factory=dict)

    @property
    def is_settled(self) -> bool:
        return self.differs or (not self.unsettled and self.is_known_format)

    def read(self, report: Report) -> None:
        known = _by_name([*(report.details or []), *(report.personal or [])])
        self.has_reports |= bool(known)
        self.is_known_format |= not self.said_names.isdisjoint(known)
        self.has_closed |= report.is_closed
        for name in self.unsettled.keys() & known.keys():
            self._compare(name, known[name], is_late_report=report.late)

    def _compare(self, name: str, known_texts: set[str], *, is_late_report: bool) -> None:
        new_texts = self.unsettled[name] - known_texts
        if self.is_late and new_texts:
            self.unsettled[name] = new_texts
        elif is_late_report and not self.is_late:  # what stands is older, if there is anything
            self.late_texts[name] = known_texts
        elif new_texts:
            self.differs = True
        else:
            del self.unsettled[name]

    def has_news(self) -> bool:
        for name, known_texts in self.late_texts.items():
            if name in self.unsettled:  # nothing but late news has said it
                self.differs |= not self.unsettled.pop(name) <= known_texts
        if self.has_closed:
            self.unsettled = {
                name: texts for name, texts in self.unsettled.items() if is_harmless(name)
            }
        is_new = bool(self.unsettled) and (self.is_known_format or not self.has_reports)
        return self.differs or is_new


def _telling(named_texts: Pairs) -> dict[str, set[str]]:
    return {name: texts for name, texts in _by_name(named_texts).items() if name not in VOLATILE}


def _by_name(named_texts: Pairs) -> dict[str, set[str]]:
    values_by_name: dict[str, set[str]] = {}
    for name, text in named_texts:
        values_by_name.setdefault(name, set()).add(text)
    return values_by_name
