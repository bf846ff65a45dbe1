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
        ├── FreshSignInRequired       403: first they must confirm that it is they
        ├── AcceptanceRequired        403: first they must accept the documents in force
        ├── NotFound                  404, also for what belongs to somebody else
        ├── IdentityRefused           403: an identity provider's answer is not accepted
        ├── Conflict                  409
        ├── LastOwner                 409: an organization would be left without an owner
        ├── RetentionNotConfirmed     409: records would go that nobody confirmed
        ├── ExportLinkNotValid        410: a copy of somebody's data that cannot be fetched
        ├── LinkNotValid              410: a mailed link that does not work, for whatever reason
        ├── InvalidInput              422, with a sentence for each field
        ├── TooManyAttempts           429, with the seconds to wait
        └── NoMailer                  503: it needs mail, and this application sends none

Every error carries a stable ``code`` (documented in ``docs/reference/errors.md``) and a message in
whole sentences: what happened, what it means, how to mend it. No message holds a secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID


class TokenOffsetError(Exception):
    """The root of every error this package raises on purpose.

    :param message: whole sentences a person can act on; never a secret.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigurationError(TokenOffsetError):
    """A setting is missing or wrong, so the application must not start.

    :param setting: the name of the setting at fault, for example ``TOKENOFFSET_KEYS``.
    :param message: what is wrong and how to mend it.
    """

    code = "configuration"

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting


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


class ProviderError(TokenOffsetError):
    """Something about a vendor.

    :param message: what happened, for the person who connected the key.
    :param vendor_message: the vendor's own words, shortened and stripped of secrets, if any.
    :param status_code: the HTTP status of the vendor's answer, if there was one.
    """

    code = "vendor"
    #: Whether the same call may succeed later without anybody changing anything.
    transient: ClassVar[bool] = False

    def __init__(
        self, message: str, *, vendor_message: str | None = None, status_code: int | None = None
    ) -> None:
        super().__init__(message)
        self.vendor_message = vendor_message
        self.status_code = status_code


class WrongKeyKind(ProviderError):
    """The text is not the kind of key that is needed; nothing was sent to the vendor."""

    code = "wrong-key-kind"


class KeyRefused(ProviderError):
    """The vendor does not accept the key (401 or 403); retrying cannot help."""

    code = "key-refused"


class RateLimited(ProviderError):
    """The vendor asks to slow down.

    :param retry_after_seconds: how long the vendor asked to wait, if it said so.
    """

    code = "vendor-rate-limited"
    transient = True

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        vendor_message: str | None = None,
        status_code: int | None = 429,
    ) -> None:
        super().__init__(message, vendor_message=vendor_message, status_code=status_code)
        self.retry_after_seconds = retry_after_seconds


class VendorUnavailable(ProviderError):
    """The vendor fails or cannot be reached (5xx, time-out, broken connection)."""

    code = "vendor-unavailable"
    transient = True


class RequestRefused(ProviderError):
    """The vendor does not accept our request (400, 404 and other 4xx)."""

    code = "vendor-request-refused"


class MalformedAnswer(ProviderError):
    """The vendor answered 200, but not with what it documents."""

    code = "vendor-answer-malformed"


class IncompleteAnswer(ProviderError):
    """The vendor's pages repeat, end too early or never end, so the window is not whole.

    Figures that change between two pages end here too, so a later attempt may well succeed.
    """

    code = "vendor-answer-incomplete"
    transient = True


class IdentityProviderUnavailable(VendorUnavailable):
    """An identity provider cannot be reached, or does not keep to the protocol."""

    code = "identity-provider-unavailable"


class EndpointNotAllowed(ProviderError):
    """A call outside the exact list of (method, host, path); nothing was sent."""

    code = "endpoint-not-allowed"


class OutboundDisabled(ProviderError):
    """``TOKENOFFSET_OUTBOUND`` is off, so no vendor is called."""

    code = "outbound-disabled"


class Refusal(TokenOffsetError):
    """A person or caller asked for something that cannot be done."""

    code = "refused"
    status: ClassVar[int] = 400


class SignInRequired(Refusal):
    """Nobody is signed in."""

    code = "sign-in-required"
    status = 401


class NotPermitted(Refusal):
    """The person is known but may not do this."""

    code = "not-permitted"
    status = 403


class TooYoung(Refusal):
    """Under the minimum age there is no account, so nothing is done and nothing is kept.

    :param minimum_age: years of age from which there is one.
    """

    code = "too-young"
    status = 403

    def __init__(self, minimum_age: int) -> None:
        super().__init__(
            f"An account here is for people of {minimum_age} and older, so nothing was shown or"
            " changed. Whatever was kept about you here is deleted."
        )


class FreshSignInRequired(Refusal):
    """Somebody has been signed in for a while, and must confirm that it is they."""

    code = "fresh-sign-in-required"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This matters enough that you have to confirm that it is you, so nothing was changed."
            " Sign in again, or confirm by mail, and repeat it."
        )


class NamedVersion(NamedTuple):
    """One version of a document, as an error names it.

    :param id: what an acceptance names it by.
    """

    id: UUID
    document: str
    version: str
    language: str
    title: str


class AcceptanceRequired(Refusal):
    """Documents are in force that the person has not accepted, and this needs it.

    :param documents: which they are; at least one.
    """

    code = "acceptance-required"
    status = 403

    def __init__(self, documents: Sequence[NamedVersion]) -> None:
        titles = ", ".join(f"«{each.title}»" for each in documents)
        named = "it" if len(documents) == 1 else "them"
        super().__init__(
            f"You have not accepted {titles} yet, so nothing was shown or changed. Read and accept"
            f" {named}, then do this again. Your rights over your data do not depend on that."
        )
        self.documents = tuple(documents)


class NotFound(Refusal):
    """There is no such thing, or it belongs to somebody else; the answer is the same."""

    code = "not-found"
    status = 404


class IdentityRefused(Refusal):
    """What came back from an identity provider is not accepted; nobody was linked or signed in.

    :param reason: one word for the log, which tells an attack from a mistake in the settings.
    """

    code = "identity-refused"
    status = 403

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Conflict(Refusal):
    """The present state does not allow it."""

    code = "conflict"
    status = 409


class RetentionNotConfirmed(Refusal):
    """A shorter period deletes records for good, and nobody confirmed that they want it."""

    code = "retention-not-confirmed"
    status = 409


class LastOwner(Refusal):
    """An organization would be left without an owner, so nothing was changed."""

    code = "last-owner"
    status = 409


class LinkNotValid(Refusal):
    """A mailed link does not work. Nobody is told why: unknown, used, expired or foreign."""

    code = "link-not-valid"
    status = 410

    def __init__(self) -> None:
        super().__init__(
            "This link does not work, so nothing was changed. A link works once, for ten minutes,"
            " in the browser it was asked for in, and only the newest one does. Ask for a new one."
        )


class ExportLinkNotValid(Refusal):
    """The link to a copy of somebody's data does not work. Nobody is told why."""

    code = "export-link-not-valid"
    status = 410

    def __init__(self) -> None:
        super().__init__(
            "This link fetches nothing. A copy of your data can be fetched once, by you, until its"
            " time is over. Ask for a new one on your privacy page."
        )


class InvalidInput(Refusal):
    """What was sent is not valid.

    :param errors: field name to a whole sentence; the name ``""`` stands for the input as a whole.
    """

    code = "invalid-input"
    status = 422

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class TooManyAttempts(Refusal):
    """A limit against abuse is reached.

    :param retry_after_seconds: whole seconds until the next attempt is allowed.
    """

    code = "too-many-attempts"
    status = 429

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Restricted(Refusal):
    """It would process the data of somebody who restricted that, so nothing was changed."""

    code = "restricted"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "The processing of your data is restricted, so no vendor is asked and nothing was"
            " changed. Lift the restriction on your privacy page first; if your account is going to"
            " be deleted, take that back there."
        )


class NoMailer(Refusal):
    """It needs mail, and the host has not said how mail leaves."""

    code = "no-mailer"
    status = 503

    def __init__(self) -> None:
        super().__init__(
            "This needs a mail to be sent, and this site sends none, so nothing was changed."
            " Whoever runs it must set TOKENOFFSET_MAILER and TOKENOFFSET_PUBLIC_URL."
        )
