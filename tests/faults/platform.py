"""The platform's side of a bad day: tells lives at load, and comes back to whoever did not say yes.

It keeps the record of answers that the ledger is held against.
"""

import random
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ledger.ipn.signature import digest
from ledger.simulator import form_v2, rest_v4
from ledger.simulator.payment_lives import RETRY
from ledger.simulator.sender import NoServiceError, Sender
from ledger.simulator.signed_calls import MIXED, SignedCall, signed_lives
from ledger.simulator.stories import FORM, STORIES
from tests.faults.outside import Answered
from tests.projections.helpers import TOLD_BY

AGAIN_SECONDS = 0.2
"""What a quarter of an hour is in a run."""


@dataclass
class Record:
    """What was sent and what was answered. Units: seconds of the calls that were answered 200."""

    sent: int = 0
    unanswered: int = 0
    refused: int = 0
    answered: list[Answered] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, other: "Record") -> None:
        self.sent += other.sent
        self.unanswered += other.unanswered
        self.refused += other.refused
        self.answered += other.answered
        self.seconds += other.seconds


class Platform:
    """Several connections, each telling one life after the other, its calls in order."""

    def __init__(self, url: str, *, seed: int, connections: int) -> None:
        self._sender = Sender(url, "/ipn")
        self._seed = seed
        endless_lives = signed_lives(
            TOLD_BY, list(STORIES.values()), seed=seed, count=10**9, format_choice=MIXED
        )
        self._lives = endless_lives
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._records = [Record() for _ in range(connections)]
        self._threads = [
            threading.Thread(target=self._tell, args=(number,), daemon=True)
            for number in range(connections)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def acknowledged(self) -> int:
        return sum(len(record.answered) for record in self._records)

    @property
    def refusals(self) -> int:
        return sum(record.refused for record in self._records)

    @property
    def failures(self) -> int:
        """Calls that were not acknowledged: refused, or without an answer."""
        return self.refusals + sum(record.unanswered for record in self._records)

    def answered(self) -> list[Answered]:
        """What is acknowledged by now."""
        return [answer for record in self._records for answer in list(record.answered)]

    def finish(self) -> Record:
        """Begin no more lives; end when every call of those begun is acknowledged."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        whole = Record()
        for record in self._records:
            whole.add(record)
        self._sender.close()
        return whole

    def _tell(self, number: int) -> None:
        record, rng = self._records[number], random.Random(f"{self._seed}:{number}")
        while not self._is_over.is_set():
            with self._lock:
                life = next(self._lives)
            for telling in life:
                self._insist(telling, record, rng)

    def _insist(self, telling: SignedCall, record: Record, rng: random.Random) -> None:
        body = telling.body
        for times in range(1, 10**6):
            if self._send(body, record):
                return
            time.sleep(AGAIN_SECONDS)
            if rng.random() < 0.5:  # else the same bytes, as a proxy would
                body = retold(telling, times)

    def _send(self, body: bytes, record: Record) -> bool:
        record.sent += 1
        try:
            answer = self._sender.send(body)
        except NoServiceError:
            record.unanswered += 1
            return False
        if answer.is_acknowledged:
            record.answered.append(Answered(digest(body), 200, answer.line))
            record.seconds.append(answer.seconds)
            return True
        if answer.status is None:
            record.unanswered += 1
        else:
            assert answer.status == 503, answer
            record.refused += 1
        return False


def retold(telling: SignedCall, times: int) -> bytes:
    """The same news as the platform sends it again: later, with a hash and fields of its own."""
    call = telling.call
    again = replace(
        call,
        source=RETRY,
        first_source=call.origin,
        sent_at=call.sent_at + timedelta(minutes=15 * times),
        nonce=digest(f"{call.nonce}:{times}".encode()),
    )
    write = form_v2.body if telling.format == FORM else rest_v4.body
    return write(again, TOLD_BY.keys[telling.format])
