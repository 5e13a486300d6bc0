"""The lines by which long work reports itself where there is no terminal."""

from collections.abc import Iterator

import pytest

from ledger.cli.progress_bar import Meter

Step = tuple[float, str, int, int]
"""When, which stage, how much is done, of how much."""


def lines(
    capsys: pytest.CaptureFixture[str], *steps: Step, unit: str | None = "positions"
) -> list[str]:
    ticks: Iterator[float] = iter([step[0] for step in steps])
    with Meter("orders", unit, clock=lambda: next(ticks)) as meter:
        for _, stage, done, total in steps:
            meter(stage, done, total)
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_a_rate_is_left_out_while_nobody_knows_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, (100, "building", 500, 500)) == ["orders: building 500/500 positions"]


def test_a_rate_is_of_what_was_done_since_the_stage_began(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = lines(
        capsys,
        (100, "building", 1_000, 10_000),
        (101, "building", 2_000, 10_000),
        (106, "building", 7_000, 10_000),
        (109, "building", 10_000, 10_000),
    )

    assert shown == [
        "orders: building 1000/10000 positions",
        "orders: building 7000/10000 positions, 1,000/s, 3 s left",
        "orders: building 10000/10000 positions, 1,000/s",
    ]


def test_slow_work_has_a_rate_that_is_not_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    shown = lines(capsys, (0, "writing", 0, 100), (10, "writing", 2, 100))

    assert shown[-1] == "orders: writing 2/100 positions, 0.20/s, 490 s left"


def test_weights_are_a_share_and_no_count(capsys: pytest.CaptureFixture[str]) -> None:
    shown = lines(capsys, (0, "streams", 0, 400), (8, "streams", 300, 400), unit=None)

    assert shown == ["orders: streams 0%", "orders: streams 75%, 3 s left"]


def test_a_step_of_unknown_length_is_only_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, (0, "merging", 0, 1)) == ["orders: merging"]
