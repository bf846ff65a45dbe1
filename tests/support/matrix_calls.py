"""One call for every route, and who may make it: written by hand, and compared with the URL map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.support.documents import published
from tests.support.erasing import ask_for_deletion, receipt_token
from tests.support.every_route import Route
from tests.support.matrix import PROVIDER, Call, Outcome, Who, make, path_of, set_stage
from tests.support.news import way_out_of_news
from tests.support.publishing import publish_required
from tests.support.world import API, KEYS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.matrix import Scene, Stage
    from tests.support.world import World

EVERYBODY: Final = frozenset(Who)
#: Signed in; each over what is their own.
ANYBODY: Final = EVERYBODY - {Who.ANONYMOUS}
OWNER: Final = frozenset({Who.OWNER})
OPERATORS: Final = frozenset({Who.OPERATOR})
#: Those who have a plan in their own account.
PLANNERS: Final = OWNER | {Who.OTHER_OWNER}
MANAGERS: Final = OWNER | {Who.ADMIN}
READERS: Final = MANAGERS | {Who.AUDITOR}
MEMBERS: Final = READERS | {Who.MEMBER}

_NEXT_KEY: Final = KEYS["anthropic"]


def _owner_does(path: str, **fields: Any) -> Callable[[Stage], None]:
    """Have the owner call an operation of the organization first."""

    def do(stage: Stage) -> None:
        named = path_of(path, stage.scene)
        answer = stage.people[Who.OWNER].api("POST", named, fields)
        assert answer.status_code < 300, answer.text

    return do


def _an_hour_passes(stage: Stage) -> None:
    stage.world.clock.move(hours=1)


def _estimate(scene: Scene) -> Mapping[str, Any]:
    return {"estimate_id": scene["estimate_id"]}


def _adoption_form(scene: Scene) -> Mapping[str, Any]:
    return {
        **_estimate(scene),
        "coverage": "100",
        "amount_cents": scene["amount_cents"],
        "shown_terms": scene["shown_terms"],
    }


def _new_key(_scene: Scene) -> Mapping[str, Any]:
    return {"key": _NEXT_KEY}


def _new_label(_scene: Scene) -> Mapping[str, Any]:
    return {"label": "Press room"}


def _new_connection(_scene: Scene) -> Mapping[str, Any]:
    return {"provider": "openai", "key": KEYS["openai"], "label": "Another"}


def _openai_key(_scene: Scene) -> Mapping[str, Any]:
    return {"key": KEYS["openai"], "label": "Another"}


def _band(_scene: Scene) -> Mapping[str, Any]:
    return {"band": "casual"}


def _band_body(_scene: Scene) -> Mapping[str, Any]:
    return {"kind": "band", "band": "casual"}


def _account_routes(
    prefix: str,
    *,
    listing: frozenset[Who],
    read: frozenset[Who],
    make: frozenset[Who],
    change: frozenset[Who],
    plan: frozenset[Who],
    without_plan: Mapping[Who, Outcome],
) -> dict[Route, Call]:
    """The routes over an account, which stand under both prefixes.

    :param prefix: what the paths begin with, below our prefix or below the API.
    :param listing: who may see what there is.
    :param read: who may see one thing.
    :param make: who may make something new.
    :param change: who may change one thing.
    :param plan: who may change the plan.
    :param without_plan: who else is let in, but has no plan of their own.
    """
    pages, api = PREFIX + prefix, API + prefix
    source, key = "/sources/<uuid:source_id>", "/sources/<uuid:source_id>/key"
    disconnect, connect = f"{source}/disconnect", "/sources/connect/<provider>"
    run, estimate = f"{source}/samples/<uuid:run_id>", "/estimates/<uuid:estimate_id>"
    openai = {"provider": "openai"}
    led_elsewhere = dict.fromkeys(without_plan, Outcome.ELSEWHERE)
    pause = {"change": "pause"}
    plan_read = plan | (read - OWNER)
    # Only the owner's has been paused; the others' go on.
    others_plan = dict.fromkeys(plan - change, Outcome.CONFLICT)
    paused = _owner_does(f"{prefix}/plan/pause")
    return {
        Route("GET", f"{pages}/"): Call(may=listing, status=200),
        Route("GET", f"{pages}/plan"): Call(may=listing, status=200),
        Route("GET", f"{pages}/billing-records"): Call(may=listing, status=200),
        Route("GET", f"{pages}/sources"): Call(may=listing, status=200),
        Route("GET", f"{pages}/usage/export"): Call(may=listing, status=200),
        Route("GET", f"{api}/usage/export"): Call(may=listing, status=200),
        Route("GET", f"{pages}{source}"): Call(may=read, status=200),
        Route("GET", f"{pages}{key}"): Call(may=change, status=200),
        Route("POST", f"{pages}{key}"): Call(may=change, status=303, sent=_new_key),
        Route("GET", f"{pages}{connect}"): Call(may=make, status=200, parts=openai),
        Route("POST", f"{pages}{connect}"): Call(
            may=make, status=303, parts=openai, sent=_openai_key
        ),
        Route("POST", f"{pages}{source}/samples"): Call(
            may=change, status=303, before=_an_hour_passes
        ),
        Route("POST", f"{pages}{source}/label"): Call(may=change, status=303, sent=_new_label),
        Route("GET", f"{pages}{disconnect}"): Call(may=change, status=200),
        Route("POST", f"{pages}{disconnect}"): Call(may=change, status=303),
        Route("GET", f"{pages}/bands"): Call(may=make, status=200),
        Route("POST", f"{pages}/estimates"): Call(may=make, status=303, sent=_band),
        Route("GET", f"{pages}{estimate}"): Call(may=read, status=200),
        Route("POST", f"{pages}/plan/adoptions"): Call(may=change, status=303, sent=_adoption_form),
        Route("GET", f"{pages}/plan/end"): Call(may=plan, status=200, else_=led_elsewhere),
        Route("POST", f"{pages}/plan/<any(pause, resume, end):change>"): Call(
            may=plan, status=303, parts=pause, else_=without_plan
        ),
        Route("GET", f"{api}/plan"): Call(may=plan_read, status=200),
        Route("POST", f"{api}/plan/adoptions"): Call(may=change, status=201, sent=_estimate),
        Route("POST", f"{api}/plan/pause"): Call(may=plan, status=200, else_=without_plan),
        Route("POST", f"{api}/plan/resume"): Call(
            may=change, status=200, before=paused, else_={**without_plan, **others_plan}
        ),
        Route("POST", f"{api}/plan/end"): Call(may=plan, status=200, else_=without_plan),
        Route("GET", f"{api}/billing-records"): Call(may=listing, status=200),
        Route("GET", f"{api}/sources"): Call(may=listing, status=200),
        Route("POST", f"{api}/sources"): Call(may=make, status=201, sent=_new_connection),
        Route("GET", f"{api}{source}"): Call(may=read, status=200),
        Route("DELETE", f"{api}{source}"): Call(may=change, status=204),
        Route("PUT", f"{api}{key}"): Call(may=change, status=202, sent=_new_key),
        Route("POST", f"{api}{source}/samples"): Call(
            may=change, status=202, before=_an_hour_passes
        ),
        Route("PUT", f"{api}{source}/label"): Call(may=change, status=200, sent=_new_label),
        Route("GET", f"{api}{run}"): Call(may=read, status=200),
        Route("GET", f"{api}{source}/usage"): Call(may=read, status=200),
        Route("POST", f"{api}/estimates"): Call(may=make, status=201, sent=_band_body),
        Route("GET", f"{api}{estimate}"): Call(may=read, status=200),
    }


_OF_ORGANIZATION: Final = "/organizations/<uuid:organization_id>"
_OWN_ACCOUNT: Final = _account_routes(
    "",
    listing=ANYBODY,
    read=OWNER,
    make=ANYBODY,
    change=OWNER,
    plan=PLANNERS,
    without_plan=dict.fromkeys(ANYBODY - PLANNERS, Outcome.CONFLICT),
)
_ORGANIZATION_ACCOUNT: Final = _account_routes(
    _OF_ORGANIZATION,
    listing=READERS,
    read=READERS,
    make=MANAGERS,
    change=MANAGERS,
    plan=MANAGERS,
    without_plan={},
)

_PAGES: Final = PREFIX + _OF_ORGANIZATION
_API: Final = API + _OF_ORGANIZATION
_ONE_MEMBER: Final = "/members/<uuid:membership_id>"


def _name(_scene: Scene) -> Mapping[str, Any]:
    return {"name": "Carver"}


def _display_name(_scene: Scene) -> Mapping[str, Any]:
    return {"display_name": "Cleo"}


def _organization_name(scene: Scene) -> Mapping[str, Any]:
    return {"name": scene["name"]}


def _confirmed(_scene: Scene) -> Mapping[str, Any]:
    return {"confirm": True}


def _auditor_role(_scene: Scene) -> Mapping[str, Any]:
    return {"role": "auditor"}


def _membership(scene: Scene) -> Mapping[str, Any]:
    return {"membership_id": scene["membership_id"]}


def _suspended(_scene: Scene) -> Mapping[str, Any]:
    return {"status": "suspended"}


#: Owners own their organizations alone, so they cannot go.
_STAYING: Final = dict.fromkeys(PLANNERS, Outcome.CONFLICT)
_OWNER_STAYS: Final = dict.fromkeys(OWNER, Outcome.CONFLICT)

#: The person who asked for the deletion of their account; nobody else has anything to take back.
_LEAVING: Final = frozenset({Who.ADMIN})
_NOT_LEAVING: Final = dict.fromkeys(ANYBODY - _LEAVING, Outcome.CONFLICT)


def _admin_leaves(stage: Stage) -> None:
    ask_for_deletion(stage.people[Who.ADMIN])


def _a_person_was_erased(stage: Stage) -> Mapping[str, str]:
    return {"receipt_token": receipt_token(stage.world)}


_PEOPLE: Final = {
    Route("GET", f"{PREFIX}/me"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/me"): Call(may=ANYBODY, status=303, sent=_display_name),
    Route("GET", f"{PREFIX}/privacy/deletion"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/privacy/deletion"): Call(
        may=ANYBODY - PLANNERS, status=303, sent=_confirmed, else_=_STAYING
    ),
    Route("POST", f"{PREFIX}/privacy/deletion/undo"): Call(
        may=_LEAVING, status=303, before=_admin_leaves, else_=_NOT_LEAVING
    ),
    Route("GET", f"{API}/privacy/deletion"): Call(may=ANYBODY, status=200),
    Route("POST", f"{API}/privacy/deletion/undo"): Call(
        may=_LEAVING, status=200, before=_admin_leaves, else_=_NOT_LEAVING
    ),
    Route("GET", f"{PREFIX}/erasures/<receipt_token>"): Call(
        may=EVERYBODY, status=200, before=_a_person_was_erased
    ),
    Route("GET", f"{API}/erasures/<receipt_token>"): Call(
        may=EVERYBODY, status=200, before=_a_person_was_erased
    ),
    Route("GET", f"{PREFIX}/welcome"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/welcome"): Call(may=ANYBODY, status=303, sent=_display_name),
    Route("GET", f"{API}/me"): Call(may=ANYBODY, status=200),
    Route("PATCH", f"{API}/me"): Call(may=ANYBODY, status=200, sent=_display_name),
    Route("DELETE", f"{API}/me"): Call(
        may=ANYBODY - PLANNERS, status=202, sent=_confirmed, else_=_STAYING
    ),
}
_ORGANIZATIONS: Final = {
    Route("GET", f"{PREFIX}/organizations"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/organizations"): Call(may=ANYBODY, status=303, sent=_name),
    Route("GET", f"{_PAGES}/settings"): Call(may=MEMBERS, status=200),
    Route("POST", f"{_PAGES}/settings/name"): Call(may=MANAGERS, status=303, sent=_name),
    Route("GET", f"{_PAGES}/settings/close"): Call(may=OWNER, status=200),
    Route("POST", f"{_PAGES}/settings/close"): Call(may=OWNER, status=303, sent=_organization_name),
    Route("GET", f"{API}/organizations"): Call(may=ANYBODY, status=200),
    Route("POST", f"{API}/organizations"): Call(may=ANYBODY, status=201, sent=_name),
    Route("GET", _API): Call(may=MEMBERS, status=200),
    Route("PATCH", _API): Call(may=MANAGERS, status=200, sent=_name),
    Route("DELETE", _API): Call(may=OWNER, status=204),
}
_MEMBERSHIPS: Final = {
    Route("GET", f"{_PAGES}/members"): Call(may=READERS, status=200),
    Route("GET", f"{_PAGES}{_ONE_MEMBER}"): Call(may=READERS, status=200),
    Route("POST", f"{_PAGES}{_ONE_MEMBER}/role"): Call(
        may=MANAGERS, status=303, sent=_auditor_role
    ),
    Route("POST", f"{_PAGES}{_ONE_MEMBER}/<any(suspend, restore):change>"): Call(
        may=MANAGERS, status=303, parts={"change": "suspend"}
    ),
    Route("GET", f"{_PAGES}{_ONE_MEMBER}/remove"): Call(may=MANAGERS, status=200),
    Route("POST", f"{_PAGES}{_ONE_MEMBER}/remove"): Call(may=MANAGERS, status=303),
    Route("GET", f"{_PAGES}{_ONE_MEMBER}/transfer"): Call(may=OWNER, status=200),
    Route("POST", f"{_PAGES}{_ONE_MEMBER}/transfer"): Call(may=OWNER, status=303),
    Route("GET", f"{_PAGES}/membership"): Call(may=MEMBERS, status=200),
    Route("GET", f"{_PAGES}/leave"): Call(may=MEMBERS, status=200),
    Route("POST", f"{_PAGES}/leave"): Call(may=MEMBERS - OWNER, status=303, else_=_OWNER_STAYS),
    Route("GET", f"{_API}/members"): Call(may=READERS, status=200),
    Route("GET", f"{_API}{_ONE_MEMBER}"): Call(may=READERS, status=200),
    Route("PATCH", f"{_API}{_ONE_MEMBER}"): Call(may=MANAGERS, status=200, sent=_suspended),
    Route("DELETE", f"{_API}{_ONE_MEMBER}"): Call(may=MANAGERS, status=204),
    Route("GET", f"{_API}/membership"): Call(may=MEMBERS, status=200),
    Route("DELETE", f"{_API}/membership"): Call(
        may=MEMBERS - OWNER, status=204, else_=_OWNER_STAYS
    ),
    Route("POST", f"{_API}/transfer"): Call(may=OWNER, status=200, sent=_membership),
}
_PUBLISHED: Final = {
    Route("GET", f"{PREFIX}{path}"): Call(may=EVERYBODY, status=200)
    for path in (
        "/methodology",
        "/connections",
        "/privacy/what-we-hold",
        "/api/v1/privacy/what-we-hold",
        "/api/v1/methodology",
        "/api/v1/bands",
        "/api/v1/openapi.json",
    )
}

_DOCUMENT: Final = {"document": "house-rules", "version": "2026-11"}
_VERSIONS: Final = {"from_version": "2026-11", "to_version": "2026-11"}


def _document(stage: Stage) -> None:
    """Publish one."""
    published(stage.world)


_DOCUMENTS: Final = {
    Route("GET", f"{PREFIX}{path}"): Call(
        may=EVERYBODY, status=200, before=_document, parts=_DOCUMENT, query=query
    )
    for path, query in {
        "/documents": {},
        "/documents/<document>": {},
        "/documents/<document>/<version>": {},
        "/documents/<document>/compare": {},
        "/api/v1/documents": {},
        "/api/v1/documents/<document>": {},
        "/api/v1/documents/<document>/versions/<version>": {},
        "/api/v1/documents/<document>/compare": _VERSIONS,
    }.items()
}

_AUDIT: Final = {
    Route("GET", f"{PREFIX}/audit-events"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/audit-events.<any(csv, jsonl):file_format>"): Call(
        may=ANYBODY, status=200, parts={"file_format": "csv"}
    ),
    Route("GET", f"{API}/audit-events"): Call(may=ANYBODY, status=200),
    Route("GET", f"{_PAGES}/audit-events"): Call(may=READERS, status=200),
    Route("POST", f"{_PAGES}/audit-events.<any(csv, jsonl):file_format>"): Call(
        may=READERS, status=200, parts={"file_format": "jsonl"}
    ),
    Route("GET", f"{_API}/audit-events"): Call(may=READERS, status=200),
}


def _link_by_mail(stage: Stage) -> Mapping[str, str]:
    """Have the owner ask for a link to another address."""
    owner = stage.people[Who.OWNER]
    owner.grow_stale()
    assert owner.post("/confirm/mail").status_code == 303
    owner.reauthenticate()
    stage.world.work()
    return {"token": stage.world.mail.link_to(owner.address).rpartition("/")[2]}


def _another_address(_scene: Scene) -> Mapping[str, Any]:
    return {"email": "somebody@another.example"}


def _accept(_scene: Scene) -> Mapping[str, Any]:
    return {"choice": "accept", "amount_cents": "0"}


_ACME: Final = {"provider": PROVIDER}
_UNLINK: Final = "/identities/<uuid:identity_id>/unlink"
_IDENTITIES: Final = {
    Route("GET", f"{PREFIX}/identities"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/identities/<provider>/link"): Call(
        may=ANYBODY, status=303, parts=_ACME
    ),
    Route("POST", f"{PREFIX}/identities/<provider>/confirm"): Call(
        may=ANYBODY, status=303, parts=_ACME
    ),
    # Nobody set out, so nobody arrives; the tests of identities go all the way.
    Route("GET", f"{PREFIX}/identities/<provider>/callback"): Call(
        may=EVERYBODY, status=403, parts=_ACME, query={"state": "no such state", "code": "x"}
    ),
    # Theirs has no refresh token to check; nobody else learns even that.
    Route("POST", f"{PREFIX}/identities/<uuid:identity_id>/check"): Call(may=OWNER, status=409),
    Route("GET", f"{PREFIX}{_UNLINK}"): Call(may=OWNER, status=200),
    Route("POST", f"{PREFIX}{_UNLINK}"): Call(may=OWNER, status=303),
    Route("GET", f"{API}/identities"): Call(may=ANYBODY, status=200),
    Route("DELETE", f"{API}/identities/<uuid:identity_id>"): Call(may=OWNER, status=204),
}
_LINKS: Final = {
    Route("GET", f"{PREFIX}/links/sent"): Call(may=EVERYBODY, status=200),
    Route("GET", f"{PREFIX}/links/<token>"): Call(may=EVERYBODY, status=200, before=_link_by_mail),
    # In another browser the link is worth nothing, no matter who follows it.
    Route("POST", f"{PREFIX}/links/<token>"): Call(
        may=OWNER,
        status=303,
        before=_link_by_mail,
        else_=dict.fromkeys(EVERYBODY - OWNER, Outcome.GONE),
    ),
    Route("GET", f"{PREFIX}/me/address"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/me/address"): Call(may=ANYBODY, status=303, sent=_another_address),
    Route("GET", f"{PREFIX}/confirm"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/confirm/mail"): Call(may=ANYBODY, status=303),
}


def _one_invitee(_scene: Scene) -> Mapping[str, Any]:
    return {"email": "new@example.com", "role": "member"}


def _invitees(_scene: Scene) -> Mapping[str, Any]:
    return {"invitees": "new@example.com,member"}


def _invitee_body(_scene: Scene) -> Mapping[str, Any]:
    return {"invitations": [{"email": "new@example.com", "role": "member"}]}


_ONE_INVITATION: Final = "/invitations/<uuid:invitation_id>"
_TOKEN: Final = "/invitations/<invitation_token>"
_INVITATIONS: Final = {
    Route("GET", f"{PREFIX}/invitations"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}{_ONE_INVITATION}/<any(accept, decline):choice>"): Call(
        may=OWNER, status=303, parts={"choice": "decline"}
    ),
    # Anyone who holds the link has the mail.
    Route("GET", f"{PREFIX}{_TOKEN}"): Call(may=EVERYBODY, status=200),
    Route("POST", f"{PREFIX}{_TOKEN}"): Call(
        may=OWNER,
        status=303,
        sent=_accept,
        # It is bound to the address, which is another person's.
        else_=dict.fromkeys(ANYBODY - OWNER, Outcome.FORBIDDEN),
    ),
    Route("GET", f"{API}/invitations"): Call(may=ANYBODY, status=200),
    Route("POST", f"{API}{_ONE_INVITATION}/accept"): Call(may=OWNER, status=200),
    Route("POST", f"{API}{_ONE_INVITATION}/decline"): Call(may=OWNER, status=204),
    Route("GET", f"{_PAGES}/invitations"): Call(may=READERS, status=200),
    Route("POST", f"{_PAGES}/invitations"): Call(may=MANAGERS, status=303, sent=_one_invitee),
    Route("POST", f"{_PAGES}/invitations/list"): Call(may=MANAGERS, status=200, sent=_invitees),
    Route("POST", f"{_PAGES}{_ONE_INVITATION}/resend"): Call(may=MANAGERS, status=303),
    Route("POST", f"{_PAGES}{_ONE_INVITATION}/cancel"): Call(may=MANAGERS, status=303),
    Route("GET", f"{_API}/invitations"): Call(may=READERS, status=200),
    Route("POST", f"{_API}/invitations"): Call(may=MANAGERS, status=200, sent=_invitee_body),
    Route("POST", f"{_API}{_ONE_INVITATION}/resend"): Call(may=MANAGERS, status=200),
    Route("DELETE", f"{_API}{_ONE_INVITATION}"): Call(may=MANAGERS, status=204),
}


def _terms_form(_scene: Scene) -> Mapping[str, Any]:
    return {"payer_rule": "member", "default_coverage": "100"}


def _terms_body(_scene: Scene) -> Mapping[str, Any]:
    return {
        "payer_rule": "member",
        "default_band": None,
        "default_coverage_percent": 100,
        "cap_cents_per_month": None,
    }


def _plan_form(scene: Scene) -> Mapping[str, Any]:
    shown = {"amount_cents": "3500", "shown_terms": scene["shown_terms"]}
    return {"band": "agentic", "coverage": "100", **shown}


def _plan_body(_scene: Scene) -> Mapping[str, Any]:
    return {"band": "agentic"}


def _payer(_scene: Scene) -> Mapping[str, Any]:
    return {"payer": "organization"}


def _payer_form(scene: Scene) -> Mapping[str, Any]:
    return {**_payer(scene), "shown_terms": scene["shown_terms"]}


def _many_form(scene: Scene) -> Mapping[str, Any]:
    # One plan goes from a Casual's 8 cents to an Agentic's 35 dollars.
    counted = {"plans_to_change": "1", "difference_cents": "3492"}
    counted["shown_terms"] = scene["shown_terms"]
    return {"band": "agentic", "coverage": "100", "current_band": "casual", **counted}


def _many_body(_scene: Scene) -> Mapping[str, Any]:
    counted = {"plans_to_change": 1, "difference_cents": 3492}
    return {"band": "agentic", "coverage_percent": 100, "current_band": "casual", **counted}


def _shared_form(_scene: Scene) -> Mapping[str, Any]:
    return {"shared": "yes"}


def _shared_body(_scene: Scene) -> Mapping[str, Any]:
    return {"shared": True}


def _everybody_pauses(stage: Stage) -> None:
    prefix = path_of(_OF_ORGANIZATION, stage.scene)
    for who in MEMBERS:
        answer = stage.people[who].api("POST", f"{prefix}/membership/plan/pause")
        assert answer.status_code == 200, answer.text


_MEMBER_PLAN: Final = f"{_ONE_MEMBER}/plan"
_OWN_PLAN: Final = "/membership/plan"
_CHANGE: Final = "/<any(pause, resume, end):change>"
_PAUSE: Final = {"change": "pause"}
_MEMBER_PLANS: Final = {
    Route("GET", f"{_PAGES}/terms"): Call(may=MANAGERS, status=200),
    Route("POST", f"{_PAGES}/terms"): Call(may=MANAGERS, status=303, sent=_terms_form),
    Route("GET", f"{_API}/terms"): Call(may=READERS, status=200),
    Route("PUT", f"{_API}/terms"): Call(may=MANAGERS, status=200, sent=_terms_body),
    Route("GET", f"{_PAGES}/member-plans"): Call(may=READERS, status=200),
    Route("GET", f"{_API}/member-plans"): Call(may=READERS, status=200),
    Route("GET", f"{_API}/member-usage"): Call(may=READERS, status=200),
    Route("GET", f"{_PAGES}{_MEMBER_PLAN}"): Call(may=READERS, status=200),
    Route("POST", f"{_PAGES}{_MEMBER_PLAN}"): Call(may=MANAGERS, status=303, sent=_plan_form),
    Route("GET", f"{_PAGES}{_MEMBER_PLAN}/end"): Call(may=MANAGERS, status=200),
    Route("POST", f"{_PAGES}{_MEMBER_PLAN}{_CHANGE}"): Call(may=MANAGERS, status=303, parts=_PAUSE),
    Route("GET", f"{_API}{_MEMBER_PLAN}"): Call(may=READERS, status=200),
    Route("PUT", f"{_API}{_MEMBER_PLAN}"): Call(may=MANAGERS, status=200, sent=_plan_body),
    Route("POST", f"{_API}{_MEMBER_PLAN}/pause"): Call(may=MANAGERS, status=200),
    Route("POST", f"{_API}{_MEMBER_PLAN}/resume"): Call(
        may=MANAGERS,
        status=200,
        before=_owner_does(_OF_ORGANIZATION + _MEMBER_PLAN + "/pause"),
    ),
    Route("POST", f"{_API}{_MEMBER_PLAN}/end"): Call(may=MANAGERS, status=200),
    Route("GET", f"{_PAGES}/member-plans/change"): Call(may=MANAGERS, status=200),
    Route("POST", f"{_PAGES}/member-plans/changes"): Call(
        may=MANAGERS, status=303, sent=_many_form
    ),
    Route("GET", f"{_PAGES}/member-plans/changes/<uuid:change_id>"): Call(may=READERS, status=200),
    Route("GET", f"{_API}/member-plans/preview"): Call(
        may=MANAGERS, status=200, query={"band": "agentic"}
    ),
    Route("POST", f"{_API}/member-plans/changes"): Call(may=MANAGERS, status=202, sent=_many_body),
    Route("GET", f"{_API}/member-plans/changes/<uuid:change_id>"): Call(may=READERS, status=200),
    Route("GET", f"{_PAGES}{_OWN_PLAN}"): Call(may=MEMBERS, status=200),
    Route("POST", f"{_PAGES}{_OWN_PLAN}"): Call(may=MEMBERS, status=303, sent=_plan_form),
    Route("POST", f"{_PAGES}{_OWN_PLAN}/payer"): Call(may=MEMBERS, status=303, sent=_payer_form),
    Route("GET", f"{_PAGES}{_OWN_PLAN}/end"): Call(may=MEMBERS, status=200),
    Route("POST", f"{_PAGES}{_OWN_PLAN}{_CHANGE}"): Call(may=MEMBERS, status=303, parts=_PAUSE),
    Route("POST", f"{_PAGES}/membership/usage-sharing"): Call(
        may=MEMBERS, status=303, sent=_shared_form
    ),
    Route("GET", f"{_API}{_OWN_PLAN}"): Call(may=MEMBERS, status=200),
    Route("PUT", f"{_API}{_OWN_PLAN}"): Call(may=MEMBERS, status=200, sent=_plan_body),
    Route("PUT", f"{_API}{_OWN_PLAN}/payer"): Call(may=MEMBERS, status=200, sent=_payer),
    Route("POST", f"{_API}{_OWN_PLAN}/pause"): Call(may=MEMBERS, status=200),
    Route("POST", f"{_API}{_OWN_PLAN}/resume"): Call(
        may=MEMBERS, status=200, before=_everybody_pauses
    ),
    Route("POST", f"{_API}{_OWN_PLAN}/end"): Call(may=MEMBERS, status=200),
    Route("PUT", f"{_API}/membership/usage-sharing"): Call(
        may=MEMBERS, status=200, sent=_shared_body
    ),
}


def _shorter(_scene: Scene) -> Mapping[str, Any]:
    return {"rule": "billing", "days": "100", "confirmed": "yes"}


def _shorter_body(_scene: Scene) -> Mapping[str, Any]:
    return {"rule": "billing", "days": 100, "confirmed": True}


_RETENTION: Final = {
    Route("GET", f"{PREFIX}/privacy/retention"): Call(may=EVERYBODY, status=200),
    Route("POST", f"{PREFIX}/privacy/retention"): Call(may=ANYBODY, status=303, sent=_shorter),
    Route("GET", f"{API}/privacy/retention"): Call(may=EVERYBODY, status=200),
    Route("GET", f"{API}/privacy/retention/choices"): Call(may=ANYBODY, status=200),
    Route("PUT", f"{API}/privacy/retention/choices"): Call(
        may=ANYBODY, status=200, sent=_shorter_body
    ),
    Route("GET", f"{_PAGES}/retention"): Call(may=MANAGERS, status=200),
    Route("POST", f"{_PAGES}/retention"): Call(may=MANAGERS, status=303, sent=_shorter),
    Route("GET", f"{_API}/retention"): Call(may=MANAGERS, status=200),
    Route("PUT", f"{_API}/retention"): Call(may=MANAGERS, status=200, sent=_shorter_body),
}
_RESTRICTIONS: Final = {
    Route("GET", f"{PREFIX}/privacy/restriction"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/privacy/restriction"): Call(may=ANYBODY, status=303),
    Route("POST", f"{PREFIX}/privacy/restriction/lift"): Call(may=ANYBODY, status=303),
    Route("GET", f"{API}/privacy/restriction"): Call(may=ANYBODY, status=200),
    Route("PUT", f"{API}/privacy/restriction"): Call(may=ANYBODY, status=200),
    Route("DELETE", f"{API}/privacy/restriction"): Call(may=ANYBODY, status=200),
}


def _declined(_scene: Scene) -> Mapping[str, Any]:
    return {"decision": "refuse"}


_ONE_CONSENT: Final = "/privacy/consents/<uuid:event_id>/receipt"
_INSIGHTS: Final = {"purpose": "insights"}
_CONSENTS: Final = {
    Route("GET", f"{PREFIX}/privacy/consents"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/privacy/consents/<purpose>"): Call(
        may=ANYBODY, status=303, parts=_INSIGHTS, sent=_declined
    ),
    Route("GET", f"{PREFIX}{_ONE_CONSENT}"): Call(may=OWNER, status=200),
    Route("GET", f"{API}/privacy/consents"): Call(may=ANYBODY, status=200),
    Route("POST", f"{API}/privacy/consents/<purpose>"): Call(
        may=ANYBODY, status=200, parts=_INSIGHTS, sent=_declined
    ),
    Route("GET", f"{API}{_ONE_CONSENT}"): Call(may=OWNER, status=200),
}


def _an_acceptable_version(stage: Stage) -> Mapping[str, str]:
    """Have a document in force that everyone has to accept."""
    return {"version_id": str(publish_required(stage.world))}


def _ticked(scene: Scene) -> Mapping[str, Any]:
    return {"accept": scene["version_id"]}


def _accepted(scene: Scene) -> Mapping[str, Any]:
    return {"version_ids": [scene["version_id"]]}


_ACCEPTANCES: Final = {
    Route("GET", f"{PREFIX}/privacy/acceptance"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/privacy/acceptance"): Call(
        may=ANYBODY, status=303, before=_an_acceptable_version, sent=_ticked
    ),
    Route("GET", f"{API}/privacy/acceptance"): Call(may=ANYBODY, status=200),
    Route("POST", f"{API}/privacy/acceptance"): Call(
        may=ANYBODY, status=200, before=_an_acceptable_version, sent=_accepted
    ),
}


def _copy_is_ready(stage: Stage) -> Mapping[str, str]:
    """Have a copy of the owner's data made, unless one is there."""
    owner = stage.people[Who.OWNER]
    made = owner.api("GET", "/privacy/exports").get_json()["items"]
    waiting = [each for each in made if each["status"] == "ready"]
    asked = waiting[0] if waiting else owner.api("POST", "/privacy/exports").get_json()
    stage.world.work()
    ready = owner.api("GET", f"/privacy/exports/{asked['id']}").get_json()
    assert stage.world.mail.messages
    return {"export_id": asked["id"], "token": ready["link"].rpartition("/")[2]}


_EXPORTS: Final = {
    Route("GET", f"{PREFIX}/privacy/exports"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/privacy/exports"): Call(may=ANYBODY, status=303),
    Route("GET", f"{PREFIX}/exports/<token>"): Call(may=ANYBODY, status=200, before=_copy_is_ready),
    Route("POST", f"{PREFIX}/exports/<token>"): Call(
        may=OWNER,
        status=200,
        before=_copy_is_ready,
        else_=dict.fromkeys(ANYBODY - OWNER, Outcome.GONE),
    ),
    Route("GET", f"{API}/privacy/exports"): Call(may=ANYBODY, status=200),
    Route("POST", f"{API}/privacy/exports"): Call(may=ANYBODY, status=202),
    Route("GET", f"{API}/privacy/exports/<uuid:export_id>"): Call(
        may=OWNER, status=200, before=_copy_is_ready
    ),
}

_ONE_REQUEST: Final = "/privacy/requests/<uuid:request_id>"
_QUEUED: Final = "/requests/<uuid:request_id>"
_NO_OPERATOR: Final = dict.fromkeys(ANYBODY - OPERATORS, Outcome.FORBIDDEN)


def _request_fields(_scene: Scene) -> Mapping[str, Any]:
    return {"kind": "question", "statement": "Who sees my figures?"}


def _reply_fields(_scene: Scene) -> Mapping[str, Any]:
    return {"status": "done", "reply": "Corrected."}


def _extension_form(_scene: Scene) -> Mapping[str, Any]:
    return {"days": "20", "reason": "The vendor has to be asked."}


def _extension_body(_scene: Scene) -> Mapping[str, Any]:
    return {"days": 20, "reason": "The vendor has to be asked."}


_PRIVACY: Final = {
    Route("GET", f"{PREFIX}/privacy"): Call(may=ANYBODY, status=200),
    Route("GET", f"{API}/privacy"): Call(may=ANYBODY, status=200),
    Route("GET", f"{PREFIX}/privacy/requests"): Call(may=ANYBODY, status=200),
    Route("POST", f"{PREFIX}/privacy/requests"): Call(
        may=ANYBODY, status=303, sent=_request_fields
    ),
    Route("GET", f"{PREFIX}{_ONE_REQUEST}"): Call(may=OWNER, status=200),
    Route("POST", f"{PREFIX}{_ONE_REQUEST}/cancel"): Call(may=OWNER, status=303),
    Route("GET", f"{API}/privacy/requests"): Call(may=ANYBODY, status=200),
    Route("POST", f"{API}/privacy/requests"): Call(may=ANYBODY, status=201, sent=_request_fields),
    Route("GET", f"{API}{_ONE_REQUEST}"): Call(may=OWNER, status=200),
    Route("DELETE", f"{API}{_ONE_REQUEST}"): Call(may=OWNER, status=200),
}
_QUEUE: Final = {
    Route("GET", f"{PREFIX}/requests"): Call(may=OPERATORS, status=200, else_=_NO_OPERATOR),
    Route("GET", f"{PREFIX}{_QUEUED}"): Call(may=OPERATORS, status=200, else_=_NO_OPERATOR),
    Route("POST", f"{PREFIX}{_QUEUED}/look"): Call(may=OPERATORS, status=200, else_=_NO_OPERATOR),
    Route("POST", f"{PREFIX}{_QUEUED}/reply"): Call(
        may=OPERATORS, status=303, sent=_reply_fields, else_=_NO_OPERATOR
    ),
    Route("POST", f"{PREFIX}{_QUEUED}/extension"): Call(
        may=OPERATORS, status=303, sent=_extension_form, else_=_NO_OPERATOR
    ),
    Route("GET", f"{API}/requests"): Call(may=OPERATORS, status=200, else_=_NO_OPERATOR),
    Route("GET", f"{API}{_QUEUED}"): Call(may=OPERATORS, status=200, else_=_NO_OPERATOR),
    Route("PUT", f"{API}{_QUEUED}/look"): Call(may=OPERATORS, status=200, else_=_NO_OPERATOR),
    Route("POST", f"{API}{_QUEUED}/reply"): Call(
        may=OPERATORS, status=200, sent=_reply_fields, else_=_NO_OPERATOR
    ),
    Route("POST", f"{API}{_QUEUED}/extension"): Call(
        may=OPERATORS, status=200, sent=_extension_body, else_=_NO_OPERATOR
    ),
}


def _agreed_at_the_shop(_scene: Scene) -> Mapping[str, Any]:
    return {"decision": "give", "place": "host:shop", "next": "/shop"}


_COMPONENTS: Final = {
    Route("POST", f"{PREFIX}/privacy/consents/<purpose>/here"): Call(
        may=ANYBODY, status=303, parts={"purpose": "product-updates"}, sent=_agreed_at_the_shop
    ),
}


def _way_out_of_news(stage: Stage) -> Mapping[str, str]:
    """The link in a mail with news to the owner; anyone who has the mail may use it."""
    return {"token": way_out_of_news(stage.world, stage.people[Who.OWNER].account_id)}


_NEWS: Final = {
    Route(method, f"{PREFIX}/unsubscribe/<token>"): Call(
        may=EVERYBODY, status=200, before=_way_out_of_news
    )
    for method in ("GET", "POST")
}

CALLS: Final[Mapping[Route, Call]] = {
    **_PUBLISHED,
    **_DOCUMENTS,
    **_OWN_ACCOUNT,
    **_ORGANIZATION_ACCOUNT,
    **_PEOPLE,
    **_IDENTITIES,
    **_LINKS,
    **_ORGANIZATIONS,
    **_MEMBERSHIPS,
    **_INVITATIONS,
    **_MEMBER_PLANS,
    **_AUDIT,
    **_PRIVACY,
    **_QUEUE,
    **_ACCEPTANCES,
    **_NEWS,
    **_COMPONENTS,
    **_RESTRICTIONS,
    **_RETENTION,
    **_EXPORTS,
    **_CONSENTS,
}


def meet_the_rest(world: World, met: set[Route]) -> None:
    """Call, as an owner or as an operator, every route that a walk through a world has not come by.

    :param met: the routes that it has.
    """
    stage, _ = set_stage(world)
    prepared: dict[object, Mapping[str, str]] = {}
    for route in sorted(set(CALLS) - met, key=lambda route: (route.method != "GET", route)):
        call = CALLS[route]
        who = Who.OPERATOR if call.may == OPERATORS else Who.OWNER
        scene = stage.scene_of(route)
        try:
            response = make(stage.people[who], route, call, scene)
        except KeyError:
            # It names what has to be brought about first.
            if call.before not in prepared:
                prepared[call.before] = stage.prepare(call)
            response = make(stage.people[who], route, call, {**scene, **prepared[call.before]})
        # Without the stage being set back, some find that another call was there before.
        assert response.status_code in {call.status, 404, 409, 422}, response.text
