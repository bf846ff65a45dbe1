"""Keeps a host's Flask-Migrate away from our tables without the host doing anything.

Flask-Migrate hands ``app.extensions["migrate"].configure_args`` to Alembic whenever one of its
commands runs, and our filter is put in there. A host may create its ``Migrate`` before or after
our extension, so it is tried at once and, as long as there is none, again each time an application
context is entered: a migration command enters one before it reads the arguments.

This cannot help a host whose ``env.py`` does not use ``configure_args``, or none of Flask-Migrate
at all. That is why the guide starts with passing the filter by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flask import appcontext_pushed

from flask_tokenoffset.migrations import include_name, include_object

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from flask import Flask

_FILTERS: Final[dict[str, Callable[..., bool]]] = {
    "include_object": include_object,
    "include_name": include_name,
}


class _Both:
    """Alembic's hook as the host wrote it, behind ours."""

    def __init__(self, ours: Callable[..., bool], the_hosts: Callable[..., bool]) -> None:
        self._ours = ours
        self._the_hosts = the_hosts

    def __call__(self, *arguments: Any) -> bool:
        return self._ours(*arguments) and self._the_hosts(*arguments)


def protect_host_migrations(app: Flask) -> bool:
    """See that the host's ``flask db migrate`` never writes a DROP for our tables.

    May be called any number of times.

    :param app: the host's application.
    :returns: whether Flask-Migrate was there. If not, it is awaited.
    """
    protected = _protect(app)
    if not protected:
        # Bound to this one application, and held weakly: an application that is gone is no
        # longer listened to.
        appcontext_pushed.connect(_try_again, sender=app)
    return protected


def _protect(app: Flask) -> bool:
    arguments = getattr(app.extensions.get("migrate"), "configure_args", None)
    if arguments is None:
        return False
    _put_filter_in(arguments)
    return True


def _try_again(app: Flask, **_: Any) -> None:
    if _protect(app):
        # A page of the host must not go on paying for this.
        appcontext_pushed.disconnect(_try_again, sender=app)


def _put_filter_in(arguments: MutableMapping[str, Any]) -> None:
    given = [name for name in _FILTERS if arguments.get(name) is not None]
    # One filter is enough. Where there is none, the rarer name is taken: an env.py that passes
    # include_object itself, beside these arguments, would end with a TypeError over ours.
    for name in given or ["include_name"]:
        ours, the_hosts = _FILTERS[name], arguments.get(name)
        if the_hosts is None:
            arguments[name] = ours
        elif the_hosts is not ours and not isinstance(the_hosts, _Both):
            arguments[name] = _Both(ours, the_hosts)
