"""Define what a story is, and enter each in the list of all stories."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ledger.simulator.payment_lives import Call
from ledger.simulator.synthetic_life import Life

FORM = "form"
REST = "rest"

Calls = Callable[[Life], Iterator[Call]]


@dataclass(frozen=True, slots=True)
class Story:
    """One kind of payment life.

    Shape: `name` in kebab-case; `ends` says how each of its objects ends, in the
    order of their first calls; `form_only` says why it cannot be sent in REST, when it cannot.
    """

    name: str
    meaning: str
    ends: str
    calls: Calls
    form_only: str | None = None

    @property
    def formats(self) -> tuple[str, ...]:
        return (FORM,) if self.form_only else (FORM, REST)


STORIES: dict[str, Story] = {}


def story(
    name: str, meaning: str, *, ends: str, form_only: str | None = None
) -> Callable[[Calls], Calls]:
    """Return a decorator that enters a function, which makes the calls of a life, as a story."""

    def enter(calls: Calls) -> Calls:
        if name in STORIES:
            raise ValueError(f"two stories are named {name}")
        STORIES[name] = Story(name, meaning, ends, calls, form_only)
        return calls

    return enter
