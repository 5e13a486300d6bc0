"""Gauges are read seldom, and nobody waits for who reads them."""

import threading

import pytest

from ledger.operations.metrics import Gauge, GaugeCache


def a_gauge(number: float) -> list[Gauge]:
    return [Gauge("ledger_size", "A size.", {(): number})]


def test_gauges_are_read_again_when_they_are_old() -> None:
    clock, sizes = [0.0], iter(range(10))
    cache = GaugeCache(lambda: a_gauge(next(sizes)), seconds=5, now=lambda: clock[0])

    read = []
    for instant in (0, 1, 4.9, 5, 9, 10):
        clock[0] = instant
        read.append(cache.gauges())

    assert read == [a_gauge(size) for size in (0, 0, 0, 1, 1, 2)]


def test_who_asks_while_they_are_read_does_not_wait() -> None:
    """A database that stands still must not take every thread with it."""
    began, may_end = threading.Event(), threading.Event()

    def read() -> list[Gauge]:
        began.set()
        may_end.wait(30)
        return a_gauge(1)

    cache = GaugeCache(read)
    reading = threading.Thread(target=cache.gauges)
    reading.start()
    began.wait(30)

    meanwhile = cache.gauges()
    may_end.set()
    reading.join()

    assert meanwhile == []
    assert cache.gauges() == a_gauge(1)


def test_a_reading_that_fails_is_tried_again() -> None:
    failures = iter([InterruptedError()])

    def read() -> list[Gauge]:
        for failure in failures:
            raise failure
        return a_gauge(1)

    cache = GaugeCache(read)
    with pytest.raises(InterruptedError):
        cache.gauges()

    assert cache.gauges() == a_gauge(1)
