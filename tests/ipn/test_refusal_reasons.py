"""What is said about each reason why a delivery waits."""

import pytest

from ledger.ipn.refusal_reasons import (
    ARCHIVE_BACK,
    ARCHIVE_UNREADABLE,
    NOTHING,
    REASONS,
    REMEDIES,
    REPAIRABLE,
    UPGRADE,
    remedy,
)


def test_a_remedy_is_of_a_reason_that_there_is() -> None:
    assert REMEDIES.keys() <= REASONS.keys()
    assert len({*REASONS.values(), *REMEDIES.values()}) == len(REASONS) + len(REMEDIES)


@pytest.mark.parametrize("reason", REASONS)
def test_what_can_be_lifted_is_verified_again_and_nothing_else(reason: str) -> None:
    is_verified_again = remedy(reason, is_undecided=False).endswith("then verify again.")

    assert is_verified_again is (reason in REPAIRABLE)


def test_what_is_undecided_waits_for_an_upgrade_or_for_its_archive() -> None:
    of_code = REASONS.keys() - {ARCHIVE_UNREADABLE}

    assert {remedy(reason, is_undecided=True) for reason in of_code} == {UPGRADE}
    assert remedy(ARCHIVE_UNREADABLE, is_undecided=True) == ARCHIVE_BACK
    assert remedy("too-many-fields", is_undecided=False) == NOTHING
