"""Events that fail alone for a reason that does not say whose fault it is: the row's, or not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ledger.storage.database_errors import kind_of_failure

FAILURES_MAX = 3
"""Equal failures of one event, each in a step of its own, after which it is skipped."""

FailedAlone = tuple[int, Exception]
"""The position of an event, and how it failed."""


@dataclass
class LoneFailures:
    """The events of one generation that failed alone in the last step, and how often in a row.

    Shape: counts by position and kind of failure.
    """

    count_by_failure: dict[tuple[int, str], int] = field(default_factory=dict)

    @property
    def are_any(self) -> bool:
        return bool(self.count_by_failure)

    def judge(self, doubtful: Sequence[FailedAlone], *, written_count: int) -> None:
        """Let a step end if all that failed alone in it have failed equally often enough.

        Shape: `written_count` is how many events of the step were written. When several fail and
        none is written, it is nothing that is the matter with them. Errors: the first failure.
        """
        failures = [(position, kind_of_failure(failure)) for position, failure in doubtful]
        counts = {failure: self.count_by_failure.get(failure, 0) + 1 for failure in failures}
        is_often = all(count >= FAILURES_MAX for count in counts.values())
        if doubtful and (not is_often or (len(doubtful) > 1 and not written_count)):
            self.count_by_failure = counts
            raise doubtful[0][1]
        self.count_by_failure = {}
