"""Whether an object from another package is a vendor that can be enabled here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from flask_tokenoffset.providers.base import WalkThrough
from flask_tokenoffset.providers.endpoints import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

#: As long as a sum of groups keeps it, and safe in an address and in the id of an element.
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,19}")
_METHOD: Final = re.compile(r"[A-Z]{3,7}")
#: The name of a host on the internet, as certificates are made out to: no port and no address.
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z](?:[a-z0-9-]*[a-z0-9])?")
#: As it is sent. A segment of dots would be resolved on the way, and so be another path.
_PATH: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~:@!$&'()*+,;=-]*)+")
_SENTENCES: Final = ("steps", "what_is_read", "what_is_not_read", "not_covered", "cadence")


def faults_of(provider: object, name: str) -> list[str]:
    """What keeps an object from being the vendor it is offered as; none for one that fits.

    How it reads is not tried: that is for its own tests, with
    :func:`flask_tokenoffset.testing.provider.provider_cases`.

    :param provider: anything.
    :param name: the name it is offered by.
    :return: pieces of a sentence.
    """
    if isinstance(provider, type):
        return ["it is a class, where an object made from it is needed"]
    return list(_faults(provider, name))


def _faults(provider: object, name: str) -> Iterator[str]:
    own_name = getattr(provider, "name", None)
    if own_name != name:
        yield f"its name is {own_name!r}, not {name!r}"
    if not _NAME.fullmatch(name):
        yield (
            "its name must be 1 to 20 lower-case letters, digits and hyphens, and begin with a"
            " letter"
        )
    for text in ("title", "key_prefix"):
        if not _is_sentence(getattr(provider, text, None)):
            yield f"its {text} must be a text that is not empty"
    if not isinstance(getattr(provider, "names_organization", None), bool):
        yield "its names_organization must be True or False"
    yield from _endpoint_faults(getattr(provider, "endpoints", None))
    yield from _walk_through_faults(getattr(provider, "walk_through", None))
    for method in ("check_key_kind", "open"):
        if not callable(getattr(provider, method, None)):
            yield f"it has no method {method}"


def _endpoint_faults(endpoints: object) -> Iterator[str]:
    if not isinstance(endpoints, tuple) or not endpoints:
        yield "its endpoints must be a tuple with one Endpoint at least"
        return
    for each in endpoints:
        if not isinstance(each, Endpoint):
            yield f"its endpoints hold a {type(each).__name__}, which is no Endpoint"
        elif not (
            _METHOD.fullmatch(each.method)
            and _HOST.fullmatch(each.host)
            and _PATH.fullmatch(each.path)
            and _is_sentence(each.purpose)
        ):
            yield (
                f"the endpoint {each.method} {each.host}{each.path} must have a method in upper"
                " case, the exact name of a host, an exact path without a query, and a purpose"
            )
    if len(set(endpoints)) != len(endpoints):
        yield "its endpoints hold one of them twice"


def _walk_through_faults(walk_through: object) -> Iterator[str]:
    if not isinstance(walk_through, WalkThrough):
        yield "its walk_through must be a WalkThrough"
        return
    if not walk_through.key_page_url.startswith("https://"):
        yield "the key_page_url of its walk_through must begin with https://"
    for part in _SENTENCES:
        sentences = getattr(walk_through, part)
        if not isinstance(sentences, tuple) or not all(map(_is_sentence, sentences)):
            yield f"{part} of its walk_through must be a tuple of sentences"


def _is_sentence(text: object) -> bool:
    return isinstance(text, str) and bool(text.strip())
