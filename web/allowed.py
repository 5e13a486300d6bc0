"""What the caller of a request may see; nobody may see anything until a token was checked."""

from typing import Protocol, cast

from flask import g

PERSONAL_ROLES = frozenset({"auditor", "operator", "admin"})


class Access(Protocol):
    """What a checked token leaves in `g.access`. Shape: `shops` None is every shop."""

    @property
    def shops(self) -> frozenset[str] | None: ...

    @property
    def role(self) -> str: ...


def allowed_shops() -> frozenset[str] | None:
    """The shops that the caller may see; None is every shop, the empty set none."""
    access = _access()
    return frozenset() if access is None else access.shops


def may_see_personal() -> bool:
    """Whether the caller may see what is about a person."""
    access = _access()
    return access is not None and access.role in PERSONAL_ROLES


def _access() -> Access | None:
    return cast("Access | None", g.get("access"))
