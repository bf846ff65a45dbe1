"""Operations on the deletion of one's account."""

from __future__ import annotations

from flask_tokenoffset.blueprints.access.reauthentication import require_reauthentication
from flask_tokenoffset.blueprints.erasures.deleting import (
    ask_for_deletion,
    find_done,
    take_deletion_back,
    waiting_deletion,
)
from flask_tokenoffset.blueprints.erasures.schemas import (
    DeletionAnswer,
    DeletionBody,
    ReceiptAnswer,
)
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.errors import (
    Conflict,
    InvalidInput,
    LastOwner,
    NotFound,
    ReauthenticationRequired,
)
from flask_tokenoffset.permissions import Permission


@operation(
    "DELETE",
    "/me",
    permission=Permission.CHANGE_SELF,
    summary="Delete your account",
    body=DeletionBody,
    answers={202: DeletionAnswer},
    problems=[ReauthenticationRequired, InvalidInput, LastOwner],
)
def delete_me(body: DeletionBody) -> OperationAnswer:
    """Have the caller's account deleted, with all that belongs to it, at `due_at` and for good.

    Until then nothing is done with it but storage, and it can be taken back. Calling it again
    changes nothing. The status is `none` where there is nothing to delete. The account on the
    host's site stays.
    """
    require_reauthentication(strict=False)
    del body  # it says that this is meant, or the call was refused
    return DeletionAnswer.of(ask_for_deletion())


@operation(
    "GET",
    "/privacy/deletion",
    permission=Permission.READ_SELF,
    summary="Read whether your account is about to be deleted",
    answers={200: DeletionAnswer},
)
def read_deletion() -> OperationAnswer:
    """Whether the caller asked for the deletion of their account, and when it is."""
    return DeletionAnswer.of(waiting_deletion())


@operation(
    "POST",
    "/privacy/deletion/undo",
    permission=Permission.CHANGE_SELF,
    summary="Take the deletion of your account back",
    answers={200: DeletionAnswer},
    problems=[Conflict],
)
def undo_deletion() -> OperationAnswer:
    """Take it back, at any time before it is due. Everything is as it was before."""
    take_deletion_back()
    return DeletionAnswer.of(None)


@operation(
    "GET",
    "/erasures/<receipt_token>",
    permission=Permission.SIGN_IN,
    summary="Read the receipt of a deletion",
    answers={200: ReceiptAnswer},
    problems=[NotFound],
)
def read_erasure_receipt(receipt_token: str) -> OperationAnswer:
    """What went, and what stays until when and why. Anyone who holds the link can read it."""
    return ReceiptAnswer.of(find_done(receipt_token))


register = operations(delete_me, read_deletion, undo_deletion, read_erasure_receipt)
