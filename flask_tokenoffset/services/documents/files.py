"""Legal texts as files: a head of a few lines, then Markdown.

::

    ---
    document: privacy-policy
    version: 2026-11-20
    sequence: 2
    language: en
    title: Privacy policy
    summary: Usage is now read weekly.
    material: yes
    acceptance: yes
    effective: in 21 days
    ---
    ## What this is about
    ...
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.services.documents.publishing import Draft

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The texts we ship, for a lawyer to complete.
TEMPLATE_FOLDER: Final = Path(__file__).parents[2] / "document_templates"
#: How the head of a file begins and ends.
FENCE: Final = "---"
#: What the head must say, and what it may.
NEEDED: Final = ("document", "version", "sequence", "title", "summary", "material", "acceptance")
OPTIONAL: Final = ("language", "effective")

_IN_DAYS: Final = re.compile(r"in (\d{1,4}) days?")
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,5}")
_AT_ONCE: Final = "at once"


def read_file(path: Path) -> Draft:
    """The text in a file, with what its head says.

    :param path: a file in UTF-8.
    :raises InvalidInput: it cannot be read as one; the sentences name the file.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(
            {"": f"{path.name} cannot be read. It must be a file in UTF-8 that this user may read."}
        ) from None
    try:
        return parse(content)
    except InvalidInput as problem:
        raise InvalidInput(
            {name: f"{path.name}: {sentence}" for name, sentence in problem.errors.items()}
        ) from None


def read_folder(folder: Path) -> list[Draft]:
    """The texts in all files of a folder that end with ``.md``, in the order to publish them.

    :raises InvalidInput: one of them cannot be read, or there is none.
    """
    files = sorted(folder.glob("*.md"))
    if not files:
        raise InvalidInput({"": f"{folder.name} has no file that ends with .md."})
    drafts = [read_file(each) for each in files]
    return sorted(drafts, key=lambda each: (each.document, each.sequence, each.language))


def parse(content: str) -> Draft:
    """A text out of a file's content.

    :raises InvalidInput: the head is missing or wrong.
    """
    head, text = _split(content.replace("\r\n", "\n"))
    errors: dict[str, str] = {
        name: f"The head must have a line «{name}: ...»." for name in NEEDED if not head.get(name)
    }
    errors |= {
        name: f"The head has a line «{name}:», which means nothing here. It takes"
        f" {', '.join((*NEEDED, *OPTIONAL))}."
        for name in head.keys() - {*NEEDED, *OPTIONAL}
    }
    if errors:
        raise InvalidInput(errors)
    return Draft(
        document=head["document"],
        version=head["version"],
        sequence=_number(head["sequence"]),
        title=head["title"],
        text=text,
        summary=head["summary"],
        material=_yes_or_no("material", head["material"]),
        acceptance_required=_yes_or_no("acceptance", head["acceptance"]),
        language=head.get("language") or "en",
        effective_at=_effective(head.get("effective") or _AT_ONCE),
    )


def _split(content: str) -> tuple[Mapping[str, str], str]:
    """The lines of the head by name, and the text below it."""
    first, *lines = content.split("\n")
    if first.strip() != FENCE or FENCE not in lines:
        raise InvalidInput(
            {
                "": f"The file must begin with a line «{FENCE}», lines such as «document: terms»,"
                f" and a line «{FENCE}». The text follows."
            }
        )
    end = lines.index(FENCE)
    head: dict[str, str] = {}
    for line in lines[:end]:
        name, colon, value = line.partition(":")
        if not line.strip() or line.startswith("#"):
            continue
        if not colon or name.strip() in head:
            raise InvalidInput({"": f"The line «{line[:60]}» of the head is not «name: value»."})
        head[name.strip()] = value.strip()
    return head, "\n".join(lines[end + 1 :]).strip() + "\n"


def _number(value: str) -> int:
    if not _NUMBER.fullmatch(value):
        raise InvalidInput({"sequence": "The sequence must be a whole number from 1 on."})
    return int(value)


def _yes_or_no(name: str, value: str) -> bool:
    if value not in {"yes", "no"}:
        raise InvalidInput({name: f"The line «{name}:» must say yes or no."})
    return value == "yes"


def _effective(value: str) -> datetime | timedelta | None:
    """When a version is to take effect; a day begins at midnight UTC."""
    if value == _AT_ONCE:
        return None
    if in_days := _IN_DAYS.fullmatch(value):
        return timedelta(days=int(in_days[1]))
    try:
        if len(value) == len("2026-11-20"):
            return datetime.combine(date.fromisoformat(value), time(), UTC)
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
    except ValueError:
        raise InvalidInput(
            {
                "effective": "The line «effective:» must say «at once», «in 21 days», a day such as"
                " 2026-12-20 (which begins at midnight UTC), or a moment such as"
                " 2026-12-20T08:00:00Z."
            }
        ) from None
    return moment.astimezone(UTC)
