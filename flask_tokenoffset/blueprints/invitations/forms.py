"""The forms that invite: one address, or a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.invitations.csv_parsing import Row, decode_list, read_list

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import FileStorage

#: The button that only looks what would become of a list.
CHECK: Final = "check"


@dataclass(frozen=True, slots=True)
class InviteForm:
    """One address and a role, as they were typed.

    :param email: the address.
    :param role: the role's name; any text.
    """

    email: str = ""
    role: str = Role.MEMBER

    @classmethod
    def read(cls, sent: Mapping[str, str]) -> Self:
        """Take what was sent."""
        return cls(sent.get("email", ""), sent.get("role", ""))

    def row(self) -> Row:
        """The form as a list of one."""
        return Row(self.email, self.role, 1)


@dataclass(frozen=True, slots=True)
class ListForm:
    """A list of addresses, typed or chosen as a file.

    :param text: what was typed or stood in the file. It is read and dropped.
    :param check_only: whether to look only what would become of it.
    """

    text: str = ""
    check_only: bool = False

    @classmethod
    def read(cls, sent: Mapping[str, str], files: Mapping[str, FileStorage]) -> Self:
        """Take what was sent; a file, if one was chosen, counts instead of the text.

        :raises InvalidInput: the file is no text in UTF-8.
        """
        file = files.get("file")
        text = sent.get("invitees", "")
        if file is not None and file.filename:
            text = decode_list(file.read())
        return cls(text, CHECK in sent)

    def rows(self, most_rows: int) -> list[Row]:
        """The rows of the list.

        :param most_rows: rows allowed.
        :raises InvalidInput: there is none, there are too many, or a line cannot be read.
        """
        return read_list(self.text, most_rows=most_rows)
