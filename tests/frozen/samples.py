"""The stored events that must load for ever, one of each class, and the samples of new classes."""

import json
from pathlib import Path
from typing import Any

from ledger.aggregates.event_catalogue import EVENT_CLASSES

SAMPLES_FILE = Path(__file__).parent / "events_v1.jsonl"


def samples() -> dict[str, Any]:
    """Return every sample by its topic."""
    lines = SAMPLES_FILE.read_text().splitlines()
    return {sample["topic"]: sample for sample in map(json.loads, lines)}


def with_new_samples() -> str:
    """Return the samples as they are, and a line behind them for each class that has none.

    Shape: a new class carries what the first sample of its aggregate carries; whoever adds fields
    of its own writes them into the line before it is released.
    """
    known = samples()
    first_by_kind: dict[str, Any] = {}
    for sample in known.values():
        first_by_kind.setdefault(kind_of(sample["topic"]), sample)
    new = [
        json.dumps(first_by_kind[kind_of(topic)] | {"topic": topic}) + "\n"
        for topic in EVENT_CLASSES
        if topic not in known
    ]
    return SAMPLES_FILE.read_text() + "".join(new)


def kind_of(topic: str) -> str:
    """Return the first word of a topic: the kind of object that the event is about."""
    return topic.split(".")[0]
