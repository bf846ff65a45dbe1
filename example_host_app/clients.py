"""Fernhill's two clients in the demo, as organizations of the extension with people in each part.

They are made through the extension's own services, so that everything stands in their audit logs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from example_host_app.people import (
    ALICE,
    BOB,
    DAGNY,
    EMEKA,
    IRIS,
    JONAS,
    NORA,
    OTTO,
    PETRA,
    QUENTIN,
    Someone,
    find_or_add,
)
from flask_tokenoffset import HostUser
from flask_tokenoffset.models import Organization, Payer, PayerRule, Person
from flask_tokenoffset.permissions import Role
from flask_tokenoffset.services.estimates.estimates import estimate_from_band
from flask_tokenoffset.services.invitations import sending as inviting
from flask_tokenoffset.services.invitations.csv_parsing import Row
from flask_tokenoffset.services.member_plans import member_choices
from flask_tokenoffset.services.member_plans import plans as member_plans
from flask_tokenoffset.services.member_plans import terms as member_terms
from flask_tokenoffset.services.member_plans.offers import offer_of
from flask_tokenoffset.services.organizations import members
from flask_tokenoffset.services.organizations.organizations import (
    create_organization,
    find_organization_membership,
)
from flask_tokenoffset.services.people.profiles import ensure_person
from flask_tokenoffset.services.plans import ledger as plans
from flask_tokenoffset.state import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from example_host_app.models import User
    from flask_tokenoffset.models import Membership
    from flask_tokenoffset.unit_of_work import UnitOfWork

#: The organizations are so old, so that their plans have months of billing records.
AGE: Final = timedelta(days=75)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client of Fernhill's.

    :param people: everyone but the owner, and what they are.
    :param own_plan: the band that the organization contributes for as such, and how many percent.
    :param plans: the same for its people.
    :param own_plans: plans that people have for themselves, apart from the organization.
    :param sharing: who lets the organization see how much they use.
    :param paying: who chose to pay their plan in the organization themselves.
    :param suspended: who may not act at present.
    :param invited: who has an invitation and has not answered it.
    """

    name: str
    owner: Someone
    people: Mapping[Someone, Role]
    terms: member_terms.Terms
    own_plan: tuple[str, int]
    plans: Mapping[Someone, tuple[str, int]] = field(default_factory=dict)
    own_plans: Mapping[Someone, tuple[str, int]] = field(default_factory=dict)
    sharing: Sequence[Someone] = ()
    paying: Sequence[Someone] = ()
    suspended: Someone
    invited: Someone


_FARID: Final = Someone("farid@fernhill.example", "Farid Nazari")
_GRETA: Final = Someone("greta@fernhill.example", "Greta Lund")
_HANA: Final = Someone("hana@fernhill.example", "Hana Kimura")
_IVO: Final = Someone("ivo@fernhill.example", "Ivo Petrov")
_JUN: Final = Someone("jun@fernhill.example", "Jun Tanaka")
_KARIN: Final = Someone("karin@fernhill.example", "Karin Falk")
_LEO: Final = Someone("leo@fernhill.example", "Leo Silva")
_MINA: Final = Someone("mina@fernhill.example", "Mina Haddad")
_NOOR: Final = Someone("noor@fernhill.example", "Noor Aziz")
_OLGA: Final = Someone("olga@fernhill.example", "Olga Brandt")
_ROSA: Final = Someone("rosa@northsound.example", "Rosa Amundsen")

ALMANAC: Final = Client(
    name="Harbour Almanac",
    owner=ALICE,
    people={
        BOB: Role.ADMIN,
        DAGNY: Role.AUDITOR,
        **dict.fromkeys(
            (EMEKA, _FARID, _GRETA, _HANA, _IVO, _JUN, _KARIN, _LEO, _MINA, _NOOR, _OLGA),
            Role.MEMBER,
        ),
    },
    terms=member_terms.Terms(
        payer_rule=PayerRule.MEMBER_CHOOSES,
        default_band="worker",
        default_coverage_percent=100,
        cap_cents_per_month=None,
    ),
    own_plan=("agentic", 100),
    plans={
        ALICE: ("worker", 150),
        BOB: ("agentic", 100),
        EMEKA: ("worker", 100),
        _FARID: ("casual", 100),
        _GRETA: ("casual", 200),
        _HANA: ("worker", 100),
        _IVO: ("agentic", 50),
        _JUN: ("worker", 100),
        _KARIN: ("casual", 100),
        _LEO: ("worker", 75),
        _MINA: ("casual", 100),
    },
    own_plans={
        ALICE: ("worker", 100),
        EMEKA: ("casual", 300),
        _FARID: ("casual", 100),
        _HANA: ("agentic", 100),
        _JUN: ("worker", 100),
        _LEO: ("worker", 50),
        _OLGA: ("casual", 100),
    },
    sharing=(EMEKA, _FARID),
    paying=(_HANA, _LEO),
    suspended=_MINA,
    invited=IRIS,
)
FERRIES: Final = Client(
    name="North Sound Ferries",
    owner=NORA,
    people={
        OTTO: Role.ADMIN,
        PETRA: Role.AUDITOR,
        QUENTIN: Role.MEMBER,
        _ROSA: Role.MEMBER,
    },
    terms=member_terms.Terms(
        payer_rule=PayerRule.ORGANIZATION,
        default_band="casual",
        default_coverage_percent=100,
        cap_cents_per_month=None,
    ),
    own_plan=("extreme", 200),
    plans={OTTO: ("worker", 100), QUENTIN: ("casual", 100)},
    suspended=_ROSA,
    invited=JONAS,
)


def found_clients() -> None:
    """Make both organizations, once. Needs an application context."""
    for client in (ALMANAC, FERRIES):
        if organization_of(client) is None:
            _found(client)


def organization_of(client: Client) -> Organization | None:
    """The organization of a client, whatever it is called by now; also one that was closed."""
    return current_state().session.scalar(
        select(Organization)
        .join(Person, Person.id == Organization.created_by)
        .where(Person.user_key == host_user_of(find_or_add(client.owner)).key)
        .order_by(Organization.created_at)
        .limit(1)
    )


def _found(client: Client) -> None:
    state = current_state()
    now = state.clock.now()
    then = now - AGE
    find_or_add(client.invited)
    with state.unit_of_work() as work:
        people = {
            someone: ensure_person(work.session, host_user_of(find_or_add(someone)), then)
            for someone in (client.owner, *client.people)
        }
        owner = people[client.owner]
        work.actor_id = owner.id
        organization = create_organization(
            work, person=owner, name=client.name, settings=state.settings, now=then
        )
        for someone, role in client.people.items():
            work.actor_id = people[someone].id  # They come of their own accord.
            members.add_member(
                work, organization=organization, person=people[someone], role=role, now=then
            )
        work.actor_id = owner.id
        member_terms.change_terms(
            work, organization_id=organization.id, person=owner, terms=client.terms, now=then
        )
        _adopt_band(work, organization.account_id, owner, client.own_plan, then)
        for someone, (band, coverage_percent) in client.plans.items():
            member_plans.adopt_offer(
                work,
                _membership(work, organization, people[someone]),
                owner,
                offer_of(band, coverage_percent, state.settings.method, state.settings.programmes),
                None,
                then,
            )
        _choose(work, organization, client, people, then)
        members.suspend(
            work,
            organization_id=organization.id,
            membership_id=_membership(work, organization, people[client.suspended]).id,
            person=owner,
            now=then,
        )
        inviting.invite(
            work,
            organization_id=organization.id,
            person=owner,
            rows=[Row(address=client.invited.email, role=Role.MEMBER, line=1)],
            link_key=state.link_key,
            attempts=state.attempts,
            settings=state.settings,
            now=now,
        )


def _choose(
    work: UnitOfWork,
    organization: Organization,
    client: Client,
    people: Mapping[Someone, Person],
    now: datetime,
) -> None:
    """What people decide for themselves."""
    for someone, plan in client.own_plans.items():
        person = people[someone]
        work.actor_id = person.id
        _adopt_band(work, person.account_id, person, plan, now)
    for someone in client.sharing:
        work.actor_id = people[someone].id
        member_choices.share_usage(
            work, organization_id=organization.id, person=people[someone], shared=True, now=now
        )
    for someone in client.paying:
        work.actor_id = people[someone].id
        member_choices.choose_payer(
            work,
            organization_id=organization.id,
            person=people[someone],
            payer=Payer.MEMBER,
            expected_amount_cents=None,
            method_version=current_state().settings.method,
            programmes=current_state().settings.programmes,
            now=now,
        )
    work.actor_id = people[client.owner].id


def _adopt_band(
    work: UnitOfWork, account_id: UUID, person: Person, plan: tuple[str, int], now: datetime
) -> None:
    band, coverage_percent = plan
    estimate = estimate_from_band(
        work.session, account_id=account_id, person=person, key=band, now=now
    )
    plans.adopt(
        work,
        account_id=account_id,
        person=person,
        estimate_id=estimate.id,
        coverage_percent=coverage_percent,
        expected_amount_cents=None,
        method_version=current_state().settings.method,
        programmes=current_state().settings.programmes,
        now=now,
    )


def host_user_of(user: User) -> HostUser:
    """What the extension learns of a person when they sign in, here before they ever did."""
    return HostUser(
        key=str(user.id), name=user.name, email=user.email, email_verified=user.email_verified
    )


def _membership(work: UnitOfWork, organization: Organization, person: Person) -> Membership:
    current = find_organization_membership(work.session, organization.id, person.id)
    if current is None:
        raise LookupError(f"{person.display_name} is no member of {organization.name}")
    return current.membership
