"""A program that does one piece of work and is killed at one step of it, as often as it is asked.

`python -m tests.faults.mortal` reads a line for each: database URL, step, before or after, number
(JSON, a list), and answers with the exit code. It forks for each, having loaded everything once.
"""

import json
import os
import sys

from tests.faults.ground import PASSAGES, PASSAGES_AT_ONCE, Ground
from tests.faults.injecting import FAULTS, KILLED, Trap


def live(url: str, name: str, when: str, number: int) -> None:
    passage = (PASSAGES | PASSAGES_AT_ONCE)[name]
    ground = Ground(url, is_plain=passage.is_plain)
    with Trap(passage.step, when, FAULTS[KILLED], ground.clock):
        passage.work(ground, number)


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            live(*json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
