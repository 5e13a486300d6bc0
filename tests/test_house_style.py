"""Names and sizes: what a machine can check of how the code reads."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("ledger", "web", "tests")
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
TREES = {path: ast.parse(path.read_text()) for path in FILES}

MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 40
TYPES_MAX = 3

EMPTY_WORDS = {
    *("asked", "found", "one", "ones", "other_one", "others", "some", "something", "stuff"),
    *("that", "thing", "things", "this", "told", "whatever"),
}
"""Words that fit everything, so that a variable called so says nothing."""


def names_of(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name that a file gives to a value: variables, parameters and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def annotated(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Every name that is given a type, with that type."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None and node.arg != "_":
            yield node.arg, ast.unparse(node.annotation)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, ast.unparse(node.annotation)


def kind_of(annotation: str) -> str:
    """A type without what changes nothing of its meaning: None, and which kind of sequence."""
    plain = re.sub(r"\s*\|\s*None\b|['\"]", "", annotation)
    plain = re.sub(r"\b(?:Final|ClassVar)\[(.*)\]$", r"\1", plain)
    several = "Sequence|Iterable|Iterator|Collection|list|set|frozenset|Set"
    plain = re.sub(rf"\b(?:{several})\[", "many[", plain)
    plain = re.sub(r"\btuple\[([^,\]]+), \.\.\.\]", r"many[\1]", plain)
    return re.sub(r"\b(?:Mapping|MutableMapping|dict|defaultdict)\[", "mapping[", plain)


def test_no_variable_has_a_name_that_says_nothing() -> None:
    empty = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path, tree in TREES.items()
        for line, name in names_of(tree)
        if name in EMPTY_WORDS
    ]

    assert empty == []


@pytest.mark.parametrize("folders", [("ledger", "web"), ("tests",)])
def test_a_name_stands_for_at_most_three_types(folders: tuple[str, ...]) -> None:
    kinds_by_name: dict[str, set[str]] = defaultdict(set)
    for path, tree in TREES.items():
        if path.relative_to(ROOT).parts[0] in folders:
            for name, annotation in annotated(tree):
                kinds_by_name[name].add(kind_of(annotation))
    vague = {name: sorted(kinds) for name, kinds in kinds_by_name.items() if len(kinds) > TYPES_MAX}

    assert vague == {}


def test_no_module_is_longer_than_one_sits_through() -> None:
    lengths = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in FILES}

    assert {name: count for name, count in lengths.items() if count > MODULE_LINES_MAX} == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]

    assert long == []


def test_every_public_docstring_begins_with_a_sentence() -> None:
    fragments = [
        f"{path.relative_to(ROOT)}:{node.lineno} {text.splitlines()[0]}"
        for path, tree in TREES.items()
        if "tests" not in path.relative_to(ROOT).parts[:1]
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (text := ast.get_docstring(node))
        and not node.name.startswith("_")
        and text.startswith(("Whether ", "What ", "How ", "So ", "Of ", "Why ", "Where ", "When "))
    ]

    assert fragments == []


def test_no_test_reaches_into_what_it_tests() -> None:
    private = [
        f"{path.relative_to(ROOT)}:{node.lineno} .{node.attr}"
        for path, tree in TREES.items()
        if path.relative_to(ROOT).parts[0] == "tests"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls", "os"))
    ]

    assert private == []
