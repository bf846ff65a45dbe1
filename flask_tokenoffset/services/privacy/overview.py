"""Where a person stands with their privacy: the first page about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask_tokenoffset.data_map.purposes import ASKED
from flask_tokenoffset.services.consents import holding as consents
from flask_tokenoffset.services.consents import restrictions
from flask_tokenoffset.services.documents import documents
from flask_tokenoffset.services.rights_requests import requests as rights_requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from flask_tokenoffset.data_map.purposes import Purpose
    from flask_tokenoffset.models import DocumentVersion, Person, RightsRequest

#: Requests that the first page shows; all of them have a page of their own.
NEWEST = 5


@dataclass(frozen=True, slots=True)
class DocumentState:
    """A document in force.

    :param version: the text that counts.
    :param accepted: whether this person accepted it.
    """

    version: DocumentVersion
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyOverview:
    """Where a person stands.

    :param restricted: whether nothing but storage is done with their data.
    :param restricted_at: since when, where they asked for it.
    :param deletion_due_at: when their account is erased, while that can be taken back.
    :param consents: each purpose that people are asked about, and whether they agreed to it.
    :param documents: each document in force.
    :param requests: their newest requests.
    """

    restricted: bool = False
    restricted_at: datetime | None = None
    deletion_due_at: datetime | None = None
    consents: Mapping[Purpose, bool] = field(default_factory=dict)
    documents: Sequence[DocumentState] = ()
    requests: Sequence[RightsRequest] = ()


def read_overview(session: Session, person: Person | None, now: datetime) -> PrivacyOverview:
    """Where a person stands, before their first change as well.

    :param person: their row, if they have one.
    :param now: the present instant, aware.
    """
    in_force = documents.in_force(session, now)
    if person is None:
        return PrivacyOverview(
            consents=dict.fromkeys(ASKED, False),
            documents=[DocumentState(each.version, accepted=False) for each in in_force],
        )
    accepted = consents.accepted_version_ids(session, person.account_id)
    return PrivacyOverview(
        restricted=restrictions.is_restricted(person),
        restricted_at=person.restricted_at,
        deletion_due_at=person.deletion_due_at,
        consents={each: consents.holds(session, person.account_id, each, now) for each in ASKED},
        documents=[DocumentState(each.version, each.version.id in accepted) for each in in_force],
        requests=rights_requests.list_own(session, person.id, limit=NEWEST),
    )
