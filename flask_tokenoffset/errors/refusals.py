"""What is refused to a person or a caller, with the HTTP status it is answered by."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from flask_tokenoffset.errors.root import TokenOffsetError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID


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


class ReauthenticationRequired(Refusal):
    """A person has been signed in for a while, and must confirm that it is they."""

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
    """There is no such thing, or it belongs to another person; the answer is the same."""

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
    """The link to a copy of a person's data does not work. Nobody is told why."""

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
    """It would process the data of a person who restricted that, so nothing was changed."""

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
