"""Which vendors there are: a module each in ``vendors/``, and what other packages offer.

Another package offers a vendor by an entry point of :data:`ENTRY_POINT_GROUP`. It is imported only
where the host names it in ``TOKENOFFSET_PROVIDERS``; being installed enables nothing.
"""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.providers import vendors
from flask_tokenoffset.providers.conformity import faults_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.metadata import EntryPoint

    from flask_tokenoffset.providers.base import Provider

ENTRY_POINT_GROUP: Final = "flask_tokenoffset.providers"
_SETTING: Final = "TOKENOFFSET_PROVIDERS"

#: The vendors that come with the package, by the name that is stored with a connection.
PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        module.name: importlib.import_module(f"{vendors.__name__}.{module.name}").PROVIDER
        for module in sorted(pkgutil.iter_modules(vendors.__path__))
    }
)


def get(name: str) -> Provider:
    """The vendor of that name that comes with the package.

    :param name: a key of :data:`PROVIDERS`.
    :raises KeyError: where there is none; what a person typed is checked before.
    """
    return PROVIDERS[name]


def enabled_providers(names: Sequence[str] | None) -> tuple[Provider, ...]:
    """The vendors that a host enables, in its order.

    :param names: ``TOKENOFFSET_PROVIDERS``; ``None`` enables those that come with the package, and
        no other package is looked at.
    :raises ConfigurationError: there is no vendor of a name, or more than one, or what a package
        offers cannot be used; with the package's name and the cure.
    """
    if names is None:
        return tuple(PROVIDERS.values())
    offered: dict[str, list[EntryPoint]] = {}
    for each in entry_points(group=ENTRY_POINT_GROUP):
        offered.setdefault(each.name, []).append(each)
    return tuple(_enabled(name, offered) for name in names)


def _enabled(name: str, offered: Mapping[str, Sequence[EntryPoint]]) -> Provider:
    candidates = offered.get(name, ())
    packages = sorted({_package(each) for each in candidates})
    if name in PROVIDERS:
        packages.insert(0, "flask-tokenoffset itself")
    if not packages:
        known = ", ".join(sorted({*PROVIDERS, *offered}))
        raise ConfigurationError(
            _SETTING,
            f"there is no vendor {name!r} in flask-tokenoffset or in any package installed here."
            f" There are: {known}. Correct the name, or install the package that offers it.",
        )
    if len(packages) > 1 or len(candidates) > 1:
        raise ConfigurationError(
            _SETTING,
            f"{name!r} is offered more than once, by {' and by '.join(packages)}, and a key must"
            " never reach the wrong one. Uninstall all but one, or ask for another name.",
        )
    return PROVIDERS[name] if name in PROVIDERS else _loaded(name, candidates[0])


def _loaded(name: str, entry_point: EntryPoint) -> Provider:
    """What a package offers, checked: it is another's code, and no type checker saw both."""
    offer = f"the vendor {name!r} is offered by {_package(entry_point)} as {entry_point.value!r}"
    cure = "Install a release of that package that works with this one, or remove the name."
    try:
        provider: Provider = entry_point.load()
    except Exception as error:
        # Whatever its import raises: the host must learn whose it is.
        raise ConfigurationError(
            _SETTING, f"{offer}, which cannot be loaded ({type(error).__name__}: {error}). {cure}"
        ) from error
    if faults := faults_of(provider, name):
        raise ConfigurationError(
            _SETTING, f"{offer}, which cannot be used: {'; '.join(faults)}. {cure}"
        )
    return provider


def _package(entry_point: EntryPoint) -> str:
    distribution = entry_point.dist
    return f"{distribution.name} {distribution.version}" if distribution else "a package"
