"""Rewrite everything that is made from the code, and show what changed: `python -m tests.update`.

What stands in `tests/frozen` and `tests/golden` is never rewritten: it says what must stay. A new
event class gets a frozen sample of its own. Rows of read models may change: whoever changes some
looks at the difference.
"""

import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr
from difflib import unified_diff
from functools import partial
from io import StringIO
from pathlib import Path

from tests.documents.reference import GENERATED
from tests.frozen.samples import SAMPLES_FILE, with_new_samples
from tests.projections import golden_rows
from tests.web import documented_examples
from tests.web.pages.catalogue import languages, path_of, updated
from web.api.examples import FILE as EXAMPLES_FILE

ROOT = Path(__file__).resolve().parents[1]


FILES: Mapping[Path, Callable[[], str]] = {
    **GENERATED,
    **{path_of(code): partial(updated, code) for code in languages()},
    **{
        golden_rows.path_of(name): partial(golden_rows.rows_now, name)
        for name in golden_rows.STORIES_SHOWN
    },
    SAMPLES_FILE: with_new_samples,
    EXAMPLES_FILE: documented_examples.examples_now,
}
"""Every generated file, and how its text is made."""


def update() -> list[str]:
    """Write every file that is not current. Shape: the lines of a unified diff."""
    lines: list[str] = []
    for path, make in FILES.items():
        name = str(path.relative_to(ROOT))
        before, after = path.read_text() if path.exists() else "", make()
        if before != after:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(after)
            lines += unified_diff(
                before.splitlines(keepends=True), after.splitlines(keepends=True), name, name
            )
    return lines


if __name__ == "__main__":
    with redirect_stderr(StringIO()):  # a service that is asked for examples writes a log
        changes = update()
    sys.stdout.writelines(changes)
    sys.stdout.write("" if changes else "everything is current\n")
