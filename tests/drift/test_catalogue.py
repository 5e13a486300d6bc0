"""What is news: by the calls of one shop, mode and format alone, in their order."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ledger.drift import catalogue as drift
from ledger.drift.calls import EMPTY, Call
from ledger.drift.catalogue import ABSENT_CALLS, LEARNED_CALLS, LEARNED_OF_SOURCE, Catalogue
from tests.builders import NOON

PLAIN = {"status": "string", "amount": "number"}


def a_call(number: int = 0, source: str = "PAY", word: str = "PAID", **types: str | None) -> Call:
    names = {name: each for name, each in {**PLAIN, **types}.items() if each}
    return Call(
        delivery_id=f"{number:04d}",
        received_at=NOON + timedelta(minutes=number),
        source=source,
        kind=f"{source} DEBIT AUTHORISED",
        shape=frozenset(names.items()),
        word_pairs=frozenset({("status", word)}),
    )


def learned(number: int = LEARNED_CALLS) -> Catalogue:
    catalogue = Catalogue()
    for _ in range(number):
        assert catalogue.add(a_call()) == []
    return catalogue


def news(catalogue: Catalogue, *further: Call) -> list[tuple[str, str, str]]:
    findings = (finding for call in further for finding in catalogue.add(call))
    return [(finding.drift, finding.name, finding.delivery_id) for finding in findings]


def test_nothing_is_news_before_the_shop_is_known() -> None:
    assert news(learned(LEARNED_CALLS - 1), a_call(1, plan="string")) == []
    assert news(learned(), a_call(1, plan="string")) == [("new-name", "plan", "0001")]


def test_the_names_of_a_source_are_learned_too_and_its_words_are_news() -> None:
    catalogue = learned()
    rare = [a_call(n, "BO", plan="string") for n in range(LEARNED_OF_SOURCE)]

    assert news(catalogue, *rare) == []
    assert news(catalogue, a_call(1, "BO", "LOST")) == [("new-value", "status", "0001")]
    assert news(catalogue, a_call(2, "BO", by="string")) == [("new-name", "by", "0002")]


def test_a_name_that_was_always_rare_is_not_missed() -> None:
    catalogue = Catalogue()
    for number in range(LEARNED_CALLS):
        catalogue.add(a_call(plan="string" if number % 10 else None))

    assert news(catalogue, *(a_call(n) for n in range(3 * ABSENT_CALLS))) == []


def test_a_name_that_became_steady_late_is_missed() -> None:
    catalogue = Catalogue()
    for number in range(5 * LEARNED_CALLS):
        is_there = number > 2 * LEARNED_CALLS or number % 2
        catalogue.add(a_call(plan="string" if is_there else None))

    missed = news(catalogue, *(a_call(n) for n in range(ABSENT_CALLS)))

    assert missed == [("gone", "plan", "0000")]


def test_a_name_is_missed_at_the_hundredth_call_without_and_only_then() -> None:
    catalogue = learned()
    without = [a_call(n, amount=None) for n in range(3 * ABSENT_CALLS)]

    assert news(catalogue, *without[: ABSENT_CALLS - 1]) == []
    assert news(catalogue, *without[ABSENT_CALLS - 1 :]) == [("gone", "amount", "0000")]


def test_calls_of_another_kind_do_not_count_as_calls_without() -> None:
    catalogue = learned()
    refused = [
        replace(a_call(n, amount=None), kind="PAY DEBIT REFUSED") for n in range(2 * ABSENT_CALLS)
    ]

    assert news(catalogue, *refused) == []


def test_a_name_that_came_back_is_missed_again_after_as_long() -> None:
    catalogue = learned()
    without = [a_call(n, amount=None) for n in range(ABSENT_CALLS)]
    gone = [("gone", "amount", "0000")]

    assert news(catalogue, *without) == gone
    assert news(catalogue, *(a_call() for _ in range(ABSENT_CALLS)), *without) == []
    assert news(catalogue, *(a_call() for _ in range(LEARNED_CALLS)), *without) == gone


def test_what_was_empty_so_far_has_no_type_to_change() -> None:
    catalogue = Catalogue()
    for _ in range(LEARNED_CALLS):
        catalogue.add(a_call(wallet=EMPTY))

    assert news(catalogue, a_call(1, wallet="object")) == []
    assert news(catalogue, a_call(2, wallet="string")) == [("type-changed", "wallet", "0002")]


def test_names_without_end_are_not_written_down_without_end() -> None:
    catalogue = learned()
    many = {f"name{number}": "string" for number in range(drift.NAMES_MAX + 50)}

    catalogue.add(a_call(1, **many))

    assert len(catalogue.known_names) == drift.NAMES_MAX
    assert news(catalogue, a_call(2, brand_new="string")) == []


_CALLS = st.lists(
    st.builds(
        a_call,
        source=st.sampled_from(["PAY", "BO"]),
        word=st.sampled_from(["PAID", "LOST"]),
        plan=st.sampled_from([None, "string", "number", EMPTY]),
    ),
    max_size=40,
)


@given(further=_CALLS)
def test_the_same_calls_again_say_nothing_new(further: list[Call]) -> None:
    catalogue = learned()
    news(catalogue, *(a_call(source="BO") for _ in range(LEARNED_OF_SOURCE)), *further)

    assert news(catalogue, *further) == []
