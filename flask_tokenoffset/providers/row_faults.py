"""What is wrong with a row of a report, in words that show nothing of the row.

The readers take a day column by column, and only when that fails is it worth looking for the place.
Names of fields are those that the vendor documents; a value is never repeated.
"""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal
from operator import gt
from typing import TYPE_CHECKING, Any, Final

from flask_tokenoffset.errors import MalformedAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

#: Figures are kept as signed 64-bit integers; no figure has a bit from this one on.
FIGURE_BITS: Final = 63
#: A name in a vendor's own style; any other may be text of a person in the wrong place.
_FIELD: Final = re.compile(r"[a-z][a-z0-9_.]{0,60}")
#: A number that was sent as text, with whatever stands between its digits.
_NUMBER: Final = re.compile(
    r"\s*[+-]?(?P<digits>[0-9][0-9,_' ]*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*", re.ASCII
)
#: Names under which tokens are counted, in any style.
_COUNTS_TOKENS: Final = re.compile("token|cache|input|output", re.IGNORECASE)
#: Names of what changes the meaning of an amount beside it.
_MEASURES: Final = frozenset(
    {
        name
        for what in ("unit", "units", "denomination", "scale", "exponent", "multiplier", "discount")
        for of in ("amount", "cost", "currency", "price", "value")
        for name in (what, f"{of}_{what}", f"{of}{what.title()}")
    }
)

#: Texts of a row that do not say what it is of.
_NO_NAMES: Final = frozenset({"object", "amount", "currency"})


def malformed_row(title: str, what: str) -> MalformedAnswer:
    """The error for a row that is not what the vendor documents.

    :param title: the vendor's name.
    :param what: what is wrong, as the end of “a row in which …”.
    """
    return MalformedAnswer(f"{title} sent a row in which {what}.")


def check_figures(title: str, names: Sequence[str], columns: Sequence[list[int]]) -> None:
    """Refuse whatever is not a whole number from zero to the largest that is kept.

    :param title: the vendor's name, for the message.
    :param names: what the vendor calls each figure.
    :param columns: a list for each figure.
    :raises MalformedAnswer: for such a figure, naming it.
    """
    for name, column in zip(names, columns, strict=True):
        if column and (
            # The type itself and not isinstance(), because True is an int.
            set(map(type, column)) != {int} or min(column) < 0 or max(column) >> FIGURE_BITS
        ):
            raise malformed_row(title, f"{name} {_what_is_wrong(column)}")


def _what_is_wrong(column: Iterable[object]) -> str:
    for figure in column:
        if figure is None:
            return "is missing"
        if type(figure) is not int:
            return "is no whole number"
        if figure < 0:
            return "is negative"
    return "is too large to be true"


def missing_in(title: str, rows: Sequence[object], names: Sequence[str]) -> MalformedAnswer:
    """The error for a day whose rows cannot even be taken apart.

    :param title: the vendor's name.
    :param rows: the rows as the vendor sent them.
    :param names: what each must have; ``a.b`` is the field ``b`` of the object ``a``.
    """
    for row in rows:
        if not isinstance(row, dict):
            return malformed_row(title, "there are no fields")
        for name in names:
            place: object = row
            for part in name.split("."):
                if not isinstance(place, dict) or part not in place:
                    return malformed_row(title, f"{name} is missing")
                place = place[part]
            if place is None:
                return malformed_row(title, f"{name} is missing")
    return malformed_row(title, "a figure is of another type than documented")


def refuse_doubled(
    title: str,
    rows: Sequence[Mapping[str, object]],
    dimensions: Sequence[tuple[str, ...]],
    figures: Sequence[Sequence[object]],
) -> None:
    """Refuse a day on which the very same row is told twice.

    Rows of equal dimensions are shares of one line, and are added up. Two that are alike in every
    field, those that nobody asked for included, are one row told twice: neither the one nor the
    sum of both can be trusted. A field that is null is as one left out, and a number is the same
    however it is written.

    :param title: the vendor's name, for the message.
    :param rows: the rows as the vendor sent them.
    :param dimensions: the texts of each row.
    :param figures: a list for each figure.
    :raises MalformedAnswer: for a row with any figure that is told twice.
    """
    if len(set(dimensions)) == len(dimensions):
        return
    told = list(zip(dimensions, *figures, strict=True))
    if len(set(told)) == len(told):
        return
    seen: set[object] = set()
    for row, (_, *of_row) in zip(rows, told, strict=True):
        said = _what_is_said(row)
        if said in seen and any(of_row):
            raise malformed_row(title, "all is as in another row of that day")
        seen.add(said)


def _what_is_said(value: object, field: str = "") -> object:
    """A value so that two are equal where they say the same."""
    if isinstance(value, dict):
        return frozenset(
            (name, _what_is_said(part, name)) for name, part in value.items() if part is not None
        )
    if isinstance(value, list):
        return tuple(map(_what_is_said, value))
    # Of other texts, such as identifiers, "1" is not "01".
    if isinstance(value, str) and field in {"amount", "value"} and _NUMBER.fullmatch(value):
        with suppress(ArithmeticError):  # digits in groups, or a power of ten beyond a Decimal's
            return Decimal(value.strip())
    # True is equal to 1.
    return repr(value) if isinstance(value, bool) else value


def refuse_total(
    title: str,
    rows: Sequence[Mapping[str, object]],
    dimensions: Sequence[tuple[str, ...]],
    figures: Sequence[Sequence[Any]],
) -> None:
    """Refuse a day on which the rows that name nothing are the sum of those that do.

    Added up with them, a total would count all of them twice.

    :param title: the vendor's name, for the message.
    :param rows: the rows as the vendor sent them.
    :param dimensions: the texts of each row.
    :param figures: a list for each figure.
    :raises MalformedAnswer: for such a day.
    """
    if not dimensions or ("",) * len(dimensions[0]) not in dimensions:
        return
    named = [
        any(texts) or any(isinstance(row[name], str) and name not in _NO_NAMES for name in row)
        for row, texts in zip(rows, dimensions, strict=True)
    ]
    total = [sum(each for each, has in zip(of, named, strict=True) if not has) for of in figures]
    others = [sum(each for each, has in zip(of, named, strict=True) if has) for of in figures]
    if total == others and any(total) and any(named):
        raise malformed_row(title, "the figures are the sum of the other rows of that day")


def refuse_larger_parts(
    title: str,
    rows: Sequence[Mapping[str, Any]],
    whole: tuple[str, Sequence[int]],
    parts: tuple[str, ...],
) -> None:
    """Refuse a row in which parts add up to more than the whole they are parts of.

    :param title: the vendor's name, for the message.
    :param rows: as the vendor sent them.
    :param whole: what the vendor calls the whole, and how much it is in each row.
    :param parts: what it calls the parts, any of which may be left out.
    :raises MalformedAnswer: for such a row, and for a part that is no whole number.
    """
    name, wholes = whole
    try:
        # Most parts are zero in all rows, and often there is one that is not.
        columns = list(filter(any, ([row[part] for row in rows] for part in parts)))
        sums = columns[0] if len(columns) == 1 else list(map(sum, zip(*columns, strict=True)))
        is_larger = any(map(gt, sums, wholes))
    except (KeyError, TypeError):
        sums = [sum(_part(title, part, row[part]) for part in parts if part in row) for row in rows]
        is_larger = any(map(gt, sums, wholes))
    if is_larger:
        raise malformed_row(title, f"{name} is less than its parts")


def _part(title: str, name: str, sent: object) -> int:
    if type(sent) is int:
        return sent
    if _has_figure(sent):
        raise malformed_row(title, f"{name} is no whole number")
    return 0


class KnownFields:
    """What the objects of a report may hold, and what of it came since.

    Which fields an object has is looked at once for each set of them, because nearly all rows of a
    window have the same.

    :param title: the vendor's name, for messages.
    :param name: what the vendor calls the object; nothing for a row itself.
    :param known: the fields that are read, or are known to hold no figure of their own.
    """

    def __init__(self, title: str, name: str, known: frozenset[str]) -> None:
        self._title = title
        self._name = name
        self._known = known
        self._met: set[tuple[str, ...]] = set()

    def new_in(self, objects: Iterable[Mapping[str, Any]]) -> list[str]:
        """The fields of some objects that nobody knows, in order.

        :param objects: as the vendor sent them.
        """
        not_met = set(map(tuple, objects)) - self._met
        fields: set[str] = set().union(*not_met) - self._known
        if not fields:
            self._met |= not_met
        return sorted(fields)

    def tokens_in_new(
        self, objects: Sequence[Mapping[str, Any]], *, one_more: re.Pattern[str]
    ) -> list[int] | None:
        """What objects whose fields add up hold in fields that came since: it is an open list.

        :param objects: one for each row.
        :param one_more: the names of what can be added. Any other figure may be a sum itself.
        :returns: a sum for each row, or ``None`` where there is nothing new.
        :raises MalformedAnswer: for a field that may hold tokens and cannot be added.
        """
        fields = self.new_in(objects)
        if not fields:
            return None
        sums = [0] * len(objects)
        for field in fields:
            for at, each in enumerate(objects):
                value = each.get(field)
                if type(value) is int and value >= 0 and one_more.fullmatch(field):
                    sums[at] += value
                elif _has_figure(value) or (
                    value is not None and value != 0 and field.endswith("_tokens")
                ):
                    raise self._unknown(field, "cannot be added up")
        return sums

    def refuse_new_tokens(
        self,
        objects: Sequence[Mapping[str, Any]],
        is_part: Callable[[str], bool] = lambda _field: False,
    ) -> None:
        """Refuse tokens under a name that nobody here knows: else they were dropped without a word.

        :param objects: as the vendor sent them.
        :param is_part: says of a field whether it holds a part of a sum that is read.
        :raises MalformedAnswer: for such tokens, naming them.
        """
        for field in self.new_in(objects):
            for each in objects:
                value = each.get(field)
                if not (type(value) is int and is_part(field)) and _holds_tokens(field, value):
                    raise self._unknown(field, "holds tokens of an unknown kind")

    def refuse_without_fields(self, field: str, values: Iterable[object]) -> None:
        """Refuse figures where an object was expected, whose names would say what they count.

        :param field: what the vendor calls the object.
        :param values: as the vendor sent them.
        :raises MalformedAnswer: for figures of any other form.
        """
        if any(not isinstance(value, dict) and _has_figure(value) for value in values):
            raise self._unknown(field, "holds figures of an unknown kind")

    def refuse_new_figures(self, objects: Sequence[Mapping[str, Any]]) -> None:
        """Refuse an object with a further figure or unit, which may change what is read of it.

        :param objects: as the vendor sent them.
        :raises MalformedAnswer: for such a field, naming it.
        """
        for field in self.new_in(objects):
            says = _says_something if field in _MEASURES else _has_figure
            if any(says(each.get(field)) for each in objects):
                raise self._unknown(field, "may change what the amount means")

    def _unknown(self, field: str, what: str) -> MalformedAnswer:
        path = f"{self._name}.{field}" if self._name else field
        if not _FIELD.fullmatch(path):
            path = f"a field of {self._name}" if self._name else "a field"
        return malformed_row(self._title, f"{path} {what}")


def refuse_measures(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a row that says how its amount is meant, in a way that nobody here reads.

    :param title: the vendor's name, for the message.
    :param rows: as the vendor sent them.
    :raises MalformedAnswer: for a unit, for example, naming its field.
    """
    if all(map(_MEASURES.isdisjoint, rows)):
        return
    for row in rows:
        for field in sorted(_MEASURES.intersection(row)):
            if _says_something(row[field]):
                raise malformed_row(title, f"{field} may change what the amount means")


def _has_figure(value: object) -> bool:
    """Whether there is a number other than zero in it, as text or not, at whatever depth."""
    if isinstance(value, dict):
        return any(map(_has_figure, value.values()))
    if isinstance(value, list):
        return any(map(_has_figure, value))
    if isinstance(value, str):
        number = _NUMBER.fullmatch(value)
        return number is not None and bool(number["digits"].strip("0.,_' "))
    return value is not None and not isinstance(value, bool) and value != 0


def _says_something(value: object) -> bool:
    """Whether there is a text or a number other than zero in it, at whatever depth."""
    if isinstance(value, dict | list):
        return any(map(_says_something, value.values() if isinstance(value, dict) else value))
    return bool(value.strip()) if isinstance(value, str) else _has_figure(value)


def _holds_tokens(field: str, value: object) -> bool:
    """Whether a field of whatever depth has a number other than zero under a name with tokens."""
    if isinstance(value, dict):
        return any(_holds_tokens(f"{field}.{name}", part) for name, part in value.items())
    if isinstance(value, list):
        return any(_holds_tokens(field, part) for part in value)
    return _COUNTS_TOKENS.search(field) is not None and _has_figure(value)
