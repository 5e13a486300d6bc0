"""Histories as pages of their own, in every language, to be kept beside the evidence."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ledger.access.readers import Reader
from ledger.proof.note import parse_checkpoint
from ledger.queries.history import TimelineEntry, history_data, timeline
from ledger.queries.notes import Note
from ledger.queries.state import State, current_state
from ledger.storage.event_store import RecordedEvent
from web.authentication import redact_for_reader
from web.pages.languages import LANGUAGES, speaking
from web.pages.rendering import render


class PrintedEvent(NamedTuple):
    """One event of a history. Shape: `seen_changes` have name, before and after."""

    entry: TimelineEntry
    seen_changes: list[dict[str, Any]]


class PrintedObject(NamedTuple):
    """An object as it stands, and what led there."""

    kind: str
    state: State
    printed_events: list[PrintedEvent]


def printed_histories(
    title: str,
    streams: Sequence[Sequence[RecordedEvent]],
    checkpoint: str,
    notes: Sequence[Note] = (),
    reader: Reader | None = None,
) -> dict[str, bytes]:
    """Return these histories as HTML by file name, one for each language, with times in UTC.

    Shape: `checkpoint` is the signed note that they are filed with; facts and notes alone, as a
    reader may see them; no reader is the operator. Nothing is loaded from elsewhere, and no link
    leads anywhere.
    """
    objects, signed = list(_printed(streams, reader)), parse_checkpoint(checkpoint)
    pages = {}
    for code in LANGUAGES:
        with speaking(code):
            page = render(
                "printed_history.html", name=title, objects=objects, signed=signed, notes=notes
            )
        pages[f"history-{code}.html"] = page.encode()
    return pages


def _printed(
    streams: Sequence[Sequence[RecordedEvent]], reader: Reader | None
) -> Iterator[PrintedObject]:
    for events in streams:
        state = current_state(list(events))
        yield PrintedObject(
            state["kind"],
            _seen(_facts(state), reader),
            [
                PrintedEvent(
                    entry, _seen({"changes": history_data(entry)["changes"]}, reader)["changes"]
                )
                for entry in timeline(events)
            ],
        )


_OTHERS = frozenset({"kind", "doubtful", "contradictions", "late_news", "sealed"})


def _facts(state: State) -> State:
    """Return what a state says in a word each, without what counts its own history."""
    plain = (str, int, type(None))
    return {
        name: fact
        for name, fact in state.items()
        if name not in _OTHERS and isinstance(fact, plain) and not isinstance(fact, bool)
    }


def _seen(fields: State, reader: Reader | None) -> State:
    return dict(fields) if reader is None else redact_for_reader(fields, reader)
