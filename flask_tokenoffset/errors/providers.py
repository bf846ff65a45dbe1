"""What goes wrong with vendors and identity providers."""

from __future__ import annotations

from typing import ClassVar

from flask_tokenoffset.errors.root import TokenOffsetError


class ProviderError(TokenOffsetError):
    """Something about a vendor.

    :param message: what happened, for the person who connected the key.
    :param vendor_message: the vendor's own words, shortened and stripped of secrets, if any.
    :param status_code: the HTTP status of the vendor's answer, if there was one.
    """

    code = "vendor"
    #: Whether the same call may succeed later without anyone changing anything.
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
