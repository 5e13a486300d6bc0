"""The one place where an error of any kind becomes a value, so that no notification is lost."""

from collections.abc import Callable
from typing import TypeVar

_Result = TypeVar("_Result")


def outcome_of(action: Callable[[], _Result]) -> _Result | Exception:
    """Return what an action returns, or what it raises.

    Used between the verification of a notification and its commit only: whoever gets an error here
    keeps the notification undecided, or hands the error to the thread that it belongs to.
    """
    try:
        return action()
    except Exception as error:  # noqa: BLE001  nothing that is wrong here may lose a notification
        return error
