"""What the views themselves refuse, before any service is called.

They belong to the tree of :mod:`flask_tokenoffset.errors`, below ``Refusal``::

    Refusal
    ├── MalformedRequest       400: the body is not the JSON text it claims to be
    ├── FormExpired            400: the form's token is missing, too old or another person's
    ├── CrossSiteRequest       403: another site made the browser send it
    ├── MethodNotAllowed       405: the path exists, the method does not
    ├── IdempotencyKeyInUse    409: the first call under this key has no answer yet
    ├── BodyTooLarge           413: more than the route reads
    ├── WrongContentType       415: not declared as JSON
    └── IdempotencyKeyReused   422: this key stands for another call
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_tokenoffset.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Bytes of the longest request body that a route reads, unless it says more.
LONGEST_BODY: Final = 64 * 1024


class MalformedRequest(Refusal):
    """What was sent cannot be read at all."""

    code = "malformed-request"
    status = 400


class FormExpired(Refusal):
    """A form came without a valid token of the session it was shown in."""

    code = "form-expired"
    status = 400

    def __init__(self) -> None:
        super().__init__(
            "This form was open for too long, or you have signed in or out since it was shown, so"
            " nothing was changed. Go back, reload the page and send it again."
        )


class CrossSiteRequest(Refusal):
    """Another site made the browser send this."""

    code = "cross-site-request"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "This request was started by a page of another site, so nothing was changed. Open the"
            " page here and do it again."
        )


class MethodNotAllowed(Refusal):
    """The path exists, but not for this method.

    :param allowed: the methods it does exist for.
    """

    code = "method-not-allowed"
    status = 405

    def __init__(self, allowed: Iterable[str]) -> None:
        self.allowed = tuple(sorted(allowed))
        super().__init__(f"This path does not take this method. It takes {self._listed()}.")

    def _listed(self) -> str:
        return ", ".join(self.allowed) or "none"


class BodyTooLarge(Refusal):
    """More was sent than the route reads.

    :param longest_bytes: how much it reads.
    """

    code = "body-too-large"
    status = 413

    def __init__(self, longest_bytes: int = LONGEST_BODY) -> None:
        super().__init__(
            f"What was sent is larger than {longest_bytes / 1024:.3g} KiB, so it was not read and"
            " nothing was changed. Send less at once."
        )


class WrongContentType(Refusal):
    """The body is not declared as JSON, or there is neither a body nor a token."""

    code = "wrong-content-type"
    status = 415

    def __init__(self) -> None:
        super().__init__(
            "Calls that change something must say «Content-Type: application/json», so that no"
            " other site can send them from a browser. Add that header. A call without a body may"
            " carry a valid X-CSRFToken header instead."
        )


class IdempotencyKeyInUse(Refusal):
    """The first call under this key is under way, or broke off without an answer."""

    code = "idempotency-key-in-use"
    status = 409

    def __init__(self) -> None:
        super().__init__(
            "The first call with this Idempotency-Key has no answer yet, so this one was not made."
            " Send it again in a moment. If it stays like this, the first one broke off: look at"
            " what stands now, and use a new key for what is missing."
        )


class IdempotencyKeyReused(Refusal):
    """The key stands for another call."""

    code = "idempotency-key-reused"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            "This Idempotency-Key was used for a call with another body, so nothing was changed."
            " Use a new key for every new call, and the same one only to repeat a call unchanged."
        )
