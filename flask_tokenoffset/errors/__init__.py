"""Everything that can go wrong here, in one tree.

::

    TokenOffsetError
    ├── ConfigurationError            a setting is missing or wrong; start-up stops
    ├── VaultError                    a secret cannot be sealed or opened
    │   ├── VaultShut                 by policy (debugger on)
    │   ├── KeyStoreUnavailable       the key store does not answer
    │   ├── KeyVersionUnknown         the key that sealed it is not in the ring
    │   └── SealBroken                wrong context, altered or foreign ciphertext
    ├── ProviderError                 something about a vendor
    │   ├── WrongKeyKind              refused before any call
    │   ├── KeyRefused                401 or 403: the vendor does not accept the key
    │   ├── RateLimited               429, with the time to wait
    │   ├── VendorUnavailable         5xx, time-out, connection lost
    │   ├── RequestRefused            any other 4xx: our request was not accepted
    │   ├── MalformedAnswer           200, but not what the vendor documents
    │   ├── IncompleteAnswer          paging loops, ends early or never ends
    │   ├── IdentityProviderUnavailable   an identity provider does not answer, or not in order
    │   ├── EndpointNotAllowed        outside the exact allow-list; nothing was sent
    │   └── OutboundDisabled          all outbound calls are switched off
    └── Refusal                       a person or caller asked for what cannot be
        ├── SignInRequired            401
        ├── NotPermitted              403
        ├── TooYoung                  403: under the minimum age there is no account
        ├── ReauthenticationRequired  403: first they must confirm that it is they
        ├── AcceptanceRequired        403: first they must accept the documents in force
        ├── NotFound                  404, also for what belongs to another person
        ├── IdentityRefused           403: an identity provider's answer is not accepted
        ├── Conflict                  409
        ├── LastOwner                 409: an organization would be left without an owner
        ├── Restricted                409: the person restricted what is done with their data
        ├── RetentionNotConfirmed     409: records would go that nobody confirmed
        ├── ExportLinkNotValid        410: a copy of a person's data that cannot be fetched
        ├── LinkNotValid              410: a mailed link that does not work, for whatever reason
        ├── InvalidInput              422, with a sentence for each field
        ├── TooManyAttempts           429, with the seconds to wait
        └── NoMailer                  503: it needs mail, and this application sends none

Every error carries a stable ``code`` (documented in ``docs/reference/errors.md``) and a message in
whole sentences: what happened, what it means, how to mend it. No message holds a secret.
"""

from __future__ import annotations

from flask_tokenoffset.errors.providers import (
    EndpointNotAllowed,
    IdentityProviderUnavailable,
    IncompleteAnswer,
    KeyRefused,
    MalformedAnswer,
    OutboundDisabled,
    ProviderError,
    RateLimited,
    RequestRefused,
    VendorUnavailable,
    WrongKeyKind,
)
from flask_tokenoffset.errors.refusals import (
    AcceptanceRequired,
    Conflict,
    ExportLinkNotValid,
    IdentityRefused,
    InvalidInput,
    LastOwner,
    LinkNotValid,
    NamedVersion,
    NoMailer,
    NotFound,
    NotPermitted,
    ReauthenticationRequired,
    Refusal,
    Restricted,
    RetentionNotConfirmed,
    SignInRequired,
    TooManyAttempts,
    TooYoung,
)
from flask_tokenoffset.errors.root import (
    ConfigurationError,
    TokenOffsetError,
)
from flask_tokenoffset.errors.vault import (
    KeyStoreUnavailable,
    KeyVersionUnknown,
    SealBroken,
    VaultError,
    VaultShut,
)

__all__ = [
    "AcceptanceRequired",
    "ConfigurationError",
    "Conflict",
    "EndpointNotAllowed",
    "ExportLinkNotValid",
    "IdentityProviderUnavailable",
    "IdentityRefused",
    "IncompleteAnswer",
    "InvalidInput",
    "KeyRefused",
    "KeyStoreUnavailable",
    "KeyVersionUnknown",
    "LastOwner",
    "LinkNotValid",
    "MalformedAnswer",
    "NamedVersion",
    "NoMailer",
    "NotFound",
    "NotPermitted",
    "OutboundDisabled",
    "ProviderError",
    "RateLimited",
    "ReauthenticationRequired",
    "Refusal",
    "RequestRefused",
    "Restricted",
    "RetentionNotConfirmed",
    "SealBroken",
    "SignInRequired",
    "TokenOffsetError",
    "TooManyAttempts",
    "TooYoung",
    "VaultError",
    "VaultShut",
    "VendorUnavailable",
    "WrongKeyKind",
]
