"""Every term is explained once, and every decision says what, why, and what was rejected."""

import re
from collections import Counter
from itertools import chain
from pathlib import Path

import pytest

from ledger.access.readers import ROLES
from ledger.projections.engine.generations import BUILDING, BUILT, LIVE, RETIRED
from ledger.storage.outcomes import Outcome

DOCS = Path(__file__).resolve().parents[1] / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
LINES_MAX = 40


def rows() -> list[list[str]]:
    """Return the cells of every row about a term of ours."""
    ours = (DOCS / "glossary.md").read_text().split("## The platform's words")[0]
    lines = [line for line in ours.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [row for row in cells if row[0] != "term"]


def words_in(cell: str) -> list[str]:
    return [word.strip(" `") for word in cell.split(",")]


def test_every_term_is_explained_once_in_sentences() -> None:
    terms = list(chain.from_iterable(words_in(row[0]) for row in rows()))

    assert sorted(terms) == sorted(set(terms))
    assert [row for row in rows() if len(row) != 3 or not row[1].endswith((".", "…"))] == []


def test_no_term_is_forbidden_for_itself() -> None:
    assert [term for term, _, never in rows() if term.strip("`") in words_in(never)] == []


def test_public_words_are_explained() -> None:
    glossary = (DOCS / "glossary.md").read_text()
    words = [*Outcome, *ROLES, BUILDING, BUILT, LIVE, RETIRED, "late", "moved", "contradiction"]

    assert [word for word in words if word not in glossary] == []


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_short_and_complete(decision: Path) -> None:
    text = decision.read_text()
    number = DECISIONS.index(decision) + 1

    assert decision.name.startswith(f"{number:04}-")
    assert text.startswith(f"# {number}. ")
    assert len(text.splitlines()) <= LINES_MAX
    for part in ("**What.**", "**Why", "**What was rejected.**"):
        assert part in text


def test_links_between_documents_lead_somewhere() -> None:
    for document in [DOCS / "glossary.md", *DECISIONS]:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_classes_that_carry_the_design_are_named_after_its_terms() -> None:
    """A term of event sourcing is the name of the class that is it, and of no other."""
    classes = Counter(
        name
        for path in (DOCS.parent / "ledger").rglob("*.py")
        for name in re.findall(r"^class (\w+)", path.read_text(), re.MULTILINE)
    )
    design = (
        "EventStore",
        "Inbox",
        "Quarantine",
        "UnitOfWork",
        "Decider",
        "GroupCommit",
        "Receipt",
    )
    terms = {word for row in rows() for word in words_in(row[0])}

    assert {name: classes[name] for name in design} == dict.fromkeys(design, 1)
    for name in design:
        assert re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower() in terms
