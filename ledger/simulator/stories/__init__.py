"""List every kind of payment life that the synthetic platform can play, by name."""

# Stories are listed in the order of these imports.
# isort: off
from ledger.simulator.stories import payments  # noqa: F401
from ledger.simulator.stories import acquirer  # noqa: F401
from ledger.simulator.stories import back_office  # noqa: F401
from ledger.simulator.stories import redeliveries  # noqa: F401
from ledger.simulator.stories import aliases  # noqa: F401
from ledger.simulator.stories import subscriptions  # noqa: F401

# isort: on
from ledger.simulator.stories.story import FORM, REST, STORIES, Story

__all__ = ["FORM", "REST", "STORIES", "Story"]
