"""The recipes of `CONTRIBUTING.md`: what each tells its reader to write, and where."""

import re
from dataclasses import dataclass
from pathlib import Path

_PLACES = {
    "below": re.compile(r"In `([^`]+)`,? below `([^`]+)`:$"),
    "in place of": re.compile(r"In `([^`]+)`,? in place of `([^`]+)`:$"),
    "at the end": re.compile(r"At the end of `([^`]+)`()?:$"),
    "new": re.compile(r"Make `([^`]+)`()?:$"),
}


@dataclass(frozen=True)
class Edit:
    """Something to write. Shape: `place` is one of the words above, `anchor` a line of the file."""

    place: str
    file: str
    anchor: str
    text: str

    def apply(self, root: Path) -> None:
        """Write it into a tree. Errors: AssertionError when its line is not there exactly once."""
        path = root / self.file
        if self.place == "new":
            assert not path.exists(), self.file
            path.write_text(self.text)
            return
        if self.place == "at the end":
            path.write_text(path.read_text() + self.text)
            return
        lines = path.read_text().splitlines(keepends=True)
        places = [number for number, line in enumerate(lines) if line.strip() == self.anchor]
        assert places, f"{self.file} has no line {self.anchor}"
        line = lines[places[0]]
        indent = line[: len(line) - len(line.lstrip())]
        new = [
            f"{indent}{each}" if each.strip() else each
            for each in self.text.splitlines(keepends=True)
        ]
        first = places[0] + (self.place == "below")
        lines[first : places[0] + 1] = new
        path.write_text("".join(lines))


@dataclass(frozen=True)
class Recipe:
    """One section: its title, what it has its reader write, and the commands at its end."""

    title: str
    edits: tuple[Edit, ...]
    commands: str


def recipes(text: str) -> list[Recipe]:
    """Return every section that has something to write."""
    sections = [section.partition("\n") for section in text.split("\n## ")[1:]]
    read = [_recipe(title, rest) for title, _, rest in sections]
    return [recipe for recipe in read if recipe.edits]


def _recipe(title: str, section: str) -> Recipe:
    edits, commands = [], []
    before = ""
    for part in re.split(r"^(```\w+\n.*?^```)$", section, flags=re.S | re.M):
        kind, _, text = part.partition("\n")
        if kind == "```sh":
            commands.append(text.removesuffix("```"))
        elif kind.startswith("```"):
            edits.append(_edit(" ".join(before.split()), text.removesuffix("```")))
        before = part
    return Recipe(title, tuple(edits), "".join(commands))


def _edit(before: str, text: str) -> Edit:
    for place, pattern in _PLACES.items():
        if where := pattern.search(before):
            return Edit(place, where[1], where[2] or "", text)
    raise AssertionError(f"a block without a place, behind: {before[-200:]}")
