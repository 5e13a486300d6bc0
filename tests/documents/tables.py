"""Tables in Markdown, written from rows, and replaced in a page that is written by hand."""

from collections.abc import Iterable


def table(*lines: Iterable[str]) -> str:
    """Return a table in Markdown; its first line is the head."""
    head, *rest = map(list, lines)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rest))


def with_table(text: str, section: str, new: str, *, place: int = 0) -> str:
    """Return a page whose section has this table in the place of an older one.

    Shape: `place` counts the tables of the section that have the same head, from 0.
    """
    heading = f"\n## {section}\n"
    head = new.splitlines()[0]
    before, _, rest = text.partition(heading)
    inside, next_heading, after = rest.partition("\n## ")
    lines = inside.split("\n")
    first = [number for number, line in enumerate(lines) if line == head][place]
    last = next(n for n in range(first, len(lines)) if not lines[n].startswith("|"))
    lines[first:last] = new.rstrip("\n").split("\n")
    return before + heading + "\n".join(lines) + next_heading + after
