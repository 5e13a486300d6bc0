"""Calls at a steady pace to whichever services are in rotation, as a load balancer sends them."""

import itertools
import threading
import time
from collections import Counter

from ledger.simulator.sender import NoServiceError, Sender
from ledger.simulator.signed_calls import MIXED, signed_lives
from ledger.simulator.stories import STORIES
from tests.projections.helpers import TOLD_BY

THREADS = 4
WITHOUT_ANSWER = 599


class SteadyCalls:
    """Signed calls, each sent once. Shape: `statuses` counts the answers by their status."""

    def __init__(self, *, per_second: int, seed: int) -> None:
        self.statuses: Counter[int] = Counter()
        self._pause = THREADS / per_second
        self._services: tuple[Sender, ...] = ()
        self._under_way: Counter[Sender] = Counter()
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        lives = signed_lives(
            TOLD_BY, list(STORIES.values()), seed=seed, count=10**9, format_choice=MIXED
        )
        self._bodies = (call.body for life in lives for call in life)
        self._turns = itertools.count()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(THREADS)]

    def start(self, url: str) -> None:
        self.add(url)
        for thread in self._threads:
            thread.start()

    def add(self, url: str) -> Sender:
        """Take a service into rotation."""
        sender = Sender(url, "/ipn")
        self._services = (*self._services, sender)
        return sender

    def remove_first(self) -> None:
        """Take the first service out of rotation, and wait for what it has under way."""
        first = self._services[0]
        self._services = self._services[1:]
        while self._under_way[first]:
            time.sleep(0.01)
        first.close()

    def finish(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        for service in self._services:
            service.close()

    def _send(self) -> None:
        due = time.monotonic()
        while not self._is_over.is_set():
            with self._lock:
                services = self._services
                service = services[next(self._turns) % len(services)]
                self._under_way[service] += 1
                body = next(self._bodies)
            try:
                status = service.send(body).status or WITHOUT_ANSWER
            except NoServiceError:
                status = WITHOUT_ANSWER
            with self._lock:
                self._under_way[service] -= 1
                self.statuses[status] += 1
            due = max(due + self._pause, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))
