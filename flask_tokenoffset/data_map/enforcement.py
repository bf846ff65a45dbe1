"""The register of what keeps our promises.

A guard is a function that says whether something may be done, refuses it, or does what a promise
asks for. :func:`enforces` names it and the promises (rows of the ledger, ``docs/promises.yaml``)
that stand on it. A test switches each one off in turn and expects a promise's test to fail, so that
none of them can be lost unnoticed. Nothing in the product switches one off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(eq=False)
class Enforcement(Generic[Parameters, Result]):
    """A guard under its name; calling it calls the guard.

    :param name: what it is called, in words with hyphens.
    :param promises: rows of the ledger that would be broken without it.
    :param off: what the guard would answer if it guarded nothing.
    """

    name: str
    promises: tuple[str, ...]
    guard: Callable[Parameters, Result] = field(repr=False)
    off: Any

    def __post_init__(self) -> None:
        update_wrapper(self, self.guard)

    def __call__(self, *arguments: Parameters.args, **named: Parameters.kwargs) -> Result:
        """Ask the guard."""
        return self.guard(*arguments, **named)


#: Every guard there is, by name. Filled as the modules are imported.
ENFORCEMENTS: Final[dict[str, Enforcement[..., Any]]] = {}


def enforces(
    name: str, *promises: str, off: Any
) -> Callable[[Callable[Parameters, Result]], Enforcement[Parameters, Result]]:
    """Register a function as the guard of some promises.

    :param name: what it is called, in words with hyphens; no two have the same.
    :param promises: the rows of the ledger that stand on it.
    :param off: what the function would answer if it guarded nothing: ``None`` for one that refuses
        by raising, ``True`` for one that says whether something may be done.
    :raises ValueError: the name is taken, or no promise is named.
    """

    def register(guard: Callable[Parameters, Result]) -> Enforcement[Parameters, Result]:
        if name in ENFORCEMENTS:
            raise ValueError(f"There is an enforcement called {name!r} already.")
        if not promises:
            raise ValueError(f"The enforcement {name!r} names no promise.")
        enforcement = Enforcement(name, promises, guard, off)
        ENFORCEMENTS[name] = enforcement
        return enforcement

    return register
