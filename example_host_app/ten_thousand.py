"""The many members of North Sound Ferries, for looking at an organization of ten thousand.

They come in a few statements for all, in one transaction: one after the other they would take
minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select

from example_host_app.clients import AGE, FERRIES, found_clients, organization_of
from example_host_app.models import NO_PASSWORD, User
from flask_tokenoffset.models import (
    Account,
    AccountKind,
    AuditAction,
    Membership,
    MembershipStatus,
    Person,
    new_id,
)
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.member_plans.bulk_adoptions import Adopter, adopt_for_many
from flask_tokenoffset.services.member_plans.offers import offer_of
from flask_tokenoffset.services.organizations.organizations import search_text_of, sort_name_of
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from flask_tokenoffset.models import Base, Organization
    from flask_tokenoffset.unit_of_work import UnitOfWork

MEMBERS: Final = 10_000

_GIVEN: Final = (
    "Aila Amir Ana Anders Asta Basil Bea Benno Birgit Bram Carla Cem Chidi Cleo Clara Dag Dalia"
    " Dario Dora Edda Eero Elif Elin Enzo Esra Ewa Faye Felix Finn Freya Gaia Gunnar Hamid Hanne"
    " Heidi Hugo Ida Idris Ilse Imre Ines Ingrid Isak Jana Jari Joana Josip Juno Kai Kaja Kalle"
    " Lars Lea Leif Lila Linus Lotte Luca Lucia Magda Malik Maren Marta Mats Maya Mika Milan Moa"
    " Nadia Nils Nina Noa Odin Ola Omar Otis Pavel Pia Ragna Rania Rafael Reza Rune Sami Sara"
    " Selma Signe Simon Sofia Sven Tarek Tess Tilda Tove Ulla Vera Viggo Wanda Yara Zoe"
)
_FAMILY: Final = (
    "Aalto Abara Ahlberg Amato Arslan Aune Bakke Baran Becker Berg Bianchi Borg Bruun Castro Celik"
    " Cohen Conti Dahl Demir Diallo Duarte Eide Ekholm Engel Fagan Falck Farah Ferro Fischer Fjeld"
    " Forss Gallo Garcia Greco Grimm Haas Haugen Heller Hoang Holt Horvat Ibsen Iversen Jansen"
    " Jovic Kaya Keller Khan Klein Kovac Krog Lahti Lang Larsen Lind Lopez Lunde Maas Madsen"
    " Marino Meier Moen Mori Nagy Nassar Nilsen Novak Nowak Nygaard Okafor Olsen Ortega Osman Park"
    " Pekkala Pereira Petit Popov Quinn Rahman Ramos Ricci Rossi Saari Sahin Sato Schmid Silva"
    " Simic Solberg Strand Sunde Tamm Torres Toth Vik Virta Weber Wolff Yilmaz"
)
#: Of each hundred, how many begin with which band; the others have no plan.
_BANDS: Final = {"casual": 46, "worker": 34, "agentic": 13, "extreme": 2, "": 5}
#: Of each thousand, how many are what.
_ROLES: Final = {Role.MEMBER: 995, Role.ADMIN: 3, Role.AUDITOR: 2}
_SUSPENDED: Final = 0.02
_PERCENTS: Final = (50, 100, 100, 100, 150)


@dataclass(frozen=True, slots=True)
class _Sailor:
    """One of the many."""

    name: str
    email: str
    role: Role
    is_suspended: bool
    joined_at: datetime
    #: Empty for a person without a plan.
    band: str
    coverage_percent: int


def fill_ferries(count: int = MEMBERS) -> int:
    """Fill North Sound Ferries up to so many members. Needs an application context.

    :param count: at most :data:`MEMBERS`. Who was removed since does not come again.
    :return: how many came.
    """
    found_clients()
    state = current_state()
    with state.unit_of_work() as work:
        organization = organization_of(FERRIES)
        if organization is None or organization.closed_at is not None:
            return 0
        work.actor_id = organization.created_by
        aboard = work.session.scalar(
            select(func.count()).where(Membership.organization_id == organization.id)
        )
        known = set(work.session.scalars(select(User.email)))
        sailors = [each for each in _sailors(state.clock.now()) if each.email not in known]
        newcomers = sailors[: max(0, count - (aboard or 0))]
        if newcomers:
            accounts = _add(work, organization, newcomers)
            _adopt(work, organization, newcomers, accounts, state.settings.method)
    return len(newcomers)


def _sailors(now: datetime) -> list[_Sailor]:
    """Everyone there could be, the same people at every call."""
    chance = Random("North Sound Ferries")  # noqa: S311 - it only makes people up
    names = [f"{given} {family}" for given in _GIVEN.split() for family in _FAMILY.split()]
    chance.shuffle(names)
    return [
        _Sailor(
            name=name,
            email=f"{name.lower().replace(' ', '.')}@northsound.example",
            role=chance.choices(list(_ROLES), weights=list(_ROLES.values()))[0],
            is_suspended=chance.random() < _SUSPENDED,
            joined_at=now - AGE * chance.random(),
            band=chance.choices(list(_BANDS), weights=list(_BANDS.values()))[0],
            coverage_percent=chance.choice(_PERCENTS),
        )
        for name in names
    ]


def _add(work: UnitOfWork, organization: Organization, sailors: Sequence[_Sailor]) -> list[UUID]:
    """Make the rows of users, people and memberships; gives the memberships' accounts."""
    session = work.session
    users = _add_users(session, sailors)
    rows: dict[type[Base], list[dict[str, Any]]] = {Account: [], Person: [], Membership: []}
    for sailor in sailors:
        own, place, person, membership = (new_id() for _ in range(4))
        since = {"created_at": sailor.joined_at}
        rows[Account] += [
            {"id": own, "kind": AccountKind.PERSON, **since},
            {"id": place, "kind": AccountKind.MEMBERSHIP, **since},
        ]
        known = {
            "id": person,
            "account_id": own,
            "user_key": str(users[sailor.email]),
            "display_name": sailor.name,
            "email": sailor.email,
            "email_verified_at": sailor.joined_at,
            "email_verified_by_host": True,
            **since,
        }
        rows[Person].append(known)
        rows[Membership].append(
            {
                "id": membership,
                "organization_id": organization.id,
                "person_id": person,
                "account_id": place,
                "role": sailor.role,
                "status": (
                    MembershipStatus.SUSPENDED if sailor.is_suspended else MembershipStatus.ACTIVE
                ),
                "sort_name": sort_name_of(Person(**known)),
                "search_text": search_text_of(Person(**known)),
                "joined_at": sailor.joined_at,
            }
        )
        work.record(
            AuditAction.MEMBER_JOINED,
            account_id=organization.account_id,
            subject_type="membership",
            subject_id=membership,
            actor_id=person,
            person_id=str(person),
            role=sailor.role,
        )
    for model, values in rows.items():
        session.execute(insert(model), values)
    return [each["account_id"] for each in rows[Membership]]


def _add_users(session: Session, sailors: Sequence[_Sailor]) -> dict[str, int]:
    """Make users of Fernhill's who cannot sign in; gives their numbers by address."""
    added = session.execute(
        insert(User).returning(User.email, User.id),
        [
            {
                "email": each.email,
                "name": each.name,
                "email_verified": True,
                "password_hash": NO_PASSWORD,
                "created_at": each.joined_at.replace(tzinfo=None),
            }
            for each in sailors
        ],
    )
    return {email: number for email, number in added}  # noqa: C416 - a row is typed as it unpacks


def _adopt(
    work: UnitOfWork,
    organization: Organization,
    sailors: Sequence[_Sailor],
    accounts: Sequence[UUID],
    method_version: str,
) -> None:
    """Begin their plans, band by band, as an administrator's change to many plans does."""
    groups: dict[tuple[str, int], list[Adopter]] = {}
    for sailor, account_id in zip(sailors, accounts, strict=True):
        if sailor.band:
            groups.setdefault((sailor.band, sailor.coverage_percent), []).append(
                Adopter(
                    account_id=account_id,
                    source_id=None,
                    plan_id=None,
                    plan_status=None,
                    adoptions=0,
                    status_changes=0,
                )
            )
    now = current_state().clock.now()
    for (band, coverage_percent), adopters in groups.items():
        adopt_for_many(
            work,
            adopters,
            offer=offer_of(
                band, coverage_percent, method_version, current_state().settings.programmes
            ),
            person_id=organization.created_by,
            now=now,
        )
