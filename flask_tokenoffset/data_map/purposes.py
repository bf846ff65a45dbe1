"""What a person's data is used for, one purpose at a time, and what they are told of each.

Nobody has to agree to one purpose to get another. The texts are ours; what differs from host to
host (who is responsible, where the data lies) is in the settings and is added when a notice is
written, see :mod:`flask_tokenoffset.services.consents.notices`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Purpose(StrEnum):
    """What data is used for. The words stand in the consent ledger for ever."""

    #: The product itself. It rests on the contract, so nobody is asked for consent.
    SERVICE = "service"
    #: Reading a vendor's usage and cost reports with a connected key.
    SAMPLING = "sampling"
    #: Making the published bands fit what people use.
    CALIBRATION = "calibration"
    #: Statistics over groups, handed to research.
    INSIGHTS = "insights"
    #: Mail about what is new.
    PRODUCT_UPDATES = "product-updates"


class Basis(StrEnum):
    """What makes the use lawful (GDPR Art. 6(1))."""

    #: (b): it is needed to do what the person asked for.
    CONTRACT = "contract"
    #: (a): the person agreed, and may take that back.
    CONSENT = "consent"


@dataclass(frozen=True, slots=True, kw_only=True)
class PurposeNotice:
    """What a person is told about a purpose.

    :param title: what it is called on a page.
    :param sentence: what is done, in one sentence.
    :param refusal: what happens without it, in one sentence.
    :param data_kinds: the kinds of data that are used.
    :param basis: what makes it lawful.
    :param recipients: who gets the data beside the controller.
    :param retention: how long the data is kept.
    :param withdrawal: how the person ends it.
    :param objectable: whether an objection to it is kept apart, and GPC counts as one.
    """

    title: str
    sentence: str
    refusal: str
    data_kinds: tuple[str, ...]
    basis: Basis
    recipients: tuple[str, ...]
    retention: str
    withdrawal: str
    objectable: bool = False


_NOBODY: Final = ("nobody else",)
_ON_THE_PAGE: Final = (
    "On the page «Consents»: one button, without a reason. It counts from the next request on."
)

NOTICES: Final[Mapping[Purpose, PurposeNotice]] = {
    Purpose.SERVICE: PurposeNotice(
        title="The service itself",
        sentence=(
            "Your account, your estimates, your plan and what you are billed are kept so that the"
            " product does what you signed up for."
        ),
        refusal="It ends when you delete your account.",
        data_kinds=("name and e-mail address", "estimates", "plans and billing records"),
        basis=Basis.CONTRACT,
        recipients=_NOBODY,
        retention="as long as you have an account, and longer only where a law asks for it",
        withdrawal="Delete your account.",
    ),
    Purpose.SAMPLING: PurposeNotice(
        title="Reading your usage from vendors",
        sentence=(
            "With the keys you connect, usage and cost reports are read from your AI vendors, day"
            " by day, to estimate how much you use; prompts and answers are never read."
        ),
        refusal="Without it no vendor is called, and you can still pick a band or an amount.",
        data_kinds=(
            "token counts a day by model and kind",
            "costs a day",
            "the name of your organization at the vendor",
        ),
        basis=Basis.CONSENT,
        recipients=("the vendor whose key you connect, which sees that its reports are read",),
        retention="until you disconnect the source, and no longer than the table of periods says",
        withdrawal=(
            f"{_ON_THE_PAGE} Your sources stay connected, and nothing is read with them until you"
            " agree again. Disconnecting a source deletes its key as well."
        ),
    ),
    Purpose.CALIBRATION: PurposeNotice(
        title="Improving the bands",
        sentence=(
            "The band or amount you chose and the usage that was sampled are counted, together with"
            " those of many others, to make the published bands fit what people really use."
        ),
        refusal="Without it everything works the same, and you are not counted.",
        data_kinds=("the band or amount you chose", "your projected tokens a month"),
        basis=Basis.CONSENT,
        recipients=("readers of the published bands, who see no person and no organization",),
        retention="until the next calculation after you end it",
        withdrawal=_ON_THE_PAGE,
        objectable=True,
    ),
    Purpose.INSIGHTS: PurposeNotice(
        title="Insights for research",
        sentence=(
            "Medians, growth rates and distributions over groups are handed to research; a group"
            " that is too small to hide in is left out."
        ),
        refusal="Without it everything works the same, and you are in no group.",
        data_kinds=("the band or amount you chose", "your projected tokens a month"),
        basis=Basis.CONSENT,
        recipients=("researchers, who get figures over groups and nothing about a person",),
        retention="until the next calculation after you end it",
        withdrawal=_ON_THE_PAGE,
        objectable=True,
    ),
    Purpose.PRODUCT_UPDATES: PurposeNotice(
        title="News about the product",
        sentence="Now and then you get mail about what is new in the product.",
        refusal="Without it you get only mail that your account needs.",
        data_kinds=("your e-mail address",),
        basis=Basis.CONSENT,
        recipients=("the service that carries our mail",),
        retention="until you end it",
        withdrawal=_ON_THE_PAGE,
    ),
}

#: What a person is asked about, in the order in which pages show it.
ASKED: Final = tuple(
    purpose for purpose, notice in NOTICES.items() if notice.basis is Basis.CONSENT
)
#: What a person may object to once and for all; Global Privacy Control says so for them.
OBJECTABLE: Final = tuple(purpose for purpose in ASKED if NOTICES[purpose].objectable)
