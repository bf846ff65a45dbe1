"""Functions that are imported when they are first called, so that mounting loads no feature."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.permissions import Permission, declared

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

_PACKAGE: Final = __name__.rpartition(".")[0]
#: How the marks begin that our decorators leave on views.
_MARK: Final = "tokenoffset_"


class Late:
    """A function of this package, by its name.

    :param path: module and function below ``blueprints``, as in ``sources.pages:list_sources``.
    """

    def __init__(self, path: str) -> None:
        module, _, name = path.partition(":")
        # What hosts and their extensions read of a function.
        self.__module__ = f"{_PACKAGE}.{module}"
        self.__name__ = self.__qualname__ = name

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the function, which is imported if this is the first time."""
        return self.loaded(*arguments, **keywords)

    @cached_property
    def loaded(self) -> Callable[..., Any]:
        """The function itself."""
        function: Callable[..., Any] = getattr(import_module(self.__module__), self.__name__)
        return function


class LateView(Late):
    """A view, whose marks can be read as on the view itself.

    :param path: as above.
    :param permission: what the table of routes says that it needs.
    """

    def __init__(self, path: str, permission: Permission) -> None:
        super().__init__(path)
        self.permission: Final = permission

    @cached_property
    def loaded(self) -> Callable[..., Any]:
        """The view itself.

        :raises RuntimeError: it declares another permission than the table of routes says.
        """
        view = super().loaded
        if declared(view) is not self.permission:
            raise RuntimeError(
                f"The view {self.__module__}:{self.__name__} declares the permission"
                f" {declared(view)}, and the table of routes says {self.permission}. Run `make"
                " routes`."
            )
        return view

    def __getattr__(self, name: str) -> Any:
        # Flask asks a view for attributes while it is mounted; those must not load it.
        if not name.startswith(_MARK):
            raise AttributeError(name)
        return getattr(self.loaded, name)


def load_views(app: Flask) -> dict[str, Callable[..., Any]]:
    """The views of an application by their endpoints, all of ours loaded.

    :param app: the host.
    """
    return {
        endpoint: view.loaded if isinstance(view, LateView) else view
        for endpoint, view in app.view_functions.items()
    }
