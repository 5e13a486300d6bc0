"""Makes any function of the product raise, each in turn, between verification and commit."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from types import CodeType, FrameType, FunctionType
from typing import Any

from ledger.ipn import parse

STUMBLED = SystemError
"""Nothing in the product catches it; it is known wherever the code below is put."""


def _stumble(*_arguments: Any, **_named: Any) -> Any:
    raise SystemError


def functions_between(begin: CodeType, action: Callable[[], object]) -> list[CodeType]:
    """Return the product's functions that an action calls after `begin` has returned."""
    called: dict[CodeType, None] = {}
    has_begun = False

    def profile(frame: FrameType, happening: str, _argument: object) -> None:
        nonlocal has_begun
        code = frame.f_code
        if happening == "return" and code is begin:
            has_begun = True
        elif happening == "call" and has_begun and "/ledger/" in code.co_filename:
            called.setdefault(code)
        if before is not None:
            before(frame, happening, _argument)

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        action()
    finally:
        sys.setprofile(before)
    return list(called)


@cache
def _product_functions() -> list[FunctionType]:
    every = (each for each in gc.get_objects() if isinstance(each, FunctionType))
    return [function for function in every if "/ledger/" in function.__code__.co_filename]


@contextmanager
def stumbling(chosen: CodeType) -> Iterator[None]:
    """Let a function raise whenever it is called, from the end of the verification on."""
    functions = [*filter(lambda function: function.__code__ is chosen, _product_functions())]
    stumble = _stumble.__code__.replace(co_freevars=chosen.co_freevars)

    def profile(frame: FrameType, happening: str, _argument: object) -> None:
        if happening == "return" and frame.f_code is parse.verify.__code__:
            for function in functions:
                function.__code__ = stumble

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(before)
        for function in functions:
            function.__code__ = chosen
