"""What is left of a vendor whose package was removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Never

from flask_tokenoffset.errors import WrongKeyKind
from flask_tokenoffset.providers.base import WalkThrough

if TYPE_CHECKING:
    from flask_tokenoffset.providers.endpoints import Endpoint
    from flask_tokenoffset.providers.http import VendorHTTP
    from flask_tokenoffset.vault import Secret

_NOTHING: Final = WalkThrough("", (), (), (), (), ())


@dataclass(frozen=True, slots=True)
class RemovedProvider:
    """A vendor that is known by the name alone that is stored with its connections.

    :param name: that name.
    """

    name: str
    key_prefix: str = ""
    endpoints: tuple[Endpoint, ...] = ()
    names_organization: bool = False
    walk_through: WalkThrough = _NOTHING

    @property
    def title(self) -> str:
        """The name, for want of another."""
        return self.name

    def check_key_kind(self, key: Secret) -> Never:  # noqa: ARG002 - the Protocol has it
        """Accept no key.

        :raises WrongKeyKind: always.
        """
        raise WrongKeyKind(f"{self.name} cannot be connected here any more. Nothing was sent.")

    def open(self, key: Secret, http: VendorHTTP) -> Never:  # noqa: ARG002 - the Protocol has it
        """Open nothing.

        :raises WrongKeyKind: always.
        """
        self.check_key_kind(key)
