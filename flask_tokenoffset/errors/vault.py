"""What keeps a secret from being sealed or opened."""

from __future__ import annotations

from flask_tokenoffset.errors.root import TokenOffsetError


class VaultError(TokenOffsetError):
    """A secret cannot be sealed or opened."""

    code = "vault"


class VaultShut(VaultError):
    """The vault stays shut by policy, for example while a debugger is on."""

    code = "vault-shut"


class KeyStoreUnavailable(VaultError):
    """The key store does not answer or refuses for now; try again later."""

    code = "key-store-unavailable"


class KeyVersionUnknown(VaultError):
    """The master key version that wrapped this secret is not known to the key store."""

    code = "key-version-unknown"


class SealBroken(VaultError):
    """The sealed secret does not open: altered, moved to another row, or another key."""

    code = "seal-broken"
