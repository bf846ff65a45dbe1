"""Operations on the published methodology and bands. Anyone may read them."""

from __future__ import annotations

from functools import cache

from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.blueprints.methodology.pages import explained
from flask_tokenoffset.blueprints.methodology.schemas import (
    BandAnswer,
    BandListAnswer,
    CheckAnswer,
    MethodAnswer,
    MethodologyAnswer,
    OutlookWidthAnswer,
    VerdictAnswer,
)
from flask_tokenoffset.methodology import (
    bands,
    class_aware_versions,
    comparisons,
    next_month,
    published,
)
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.state import current_state


@operation(
    "GET",
    "/bands",
    permission=Permission.READ_PUBLISHED,
    summary="List the bands",
    answers={200: BandListAnswer},
)
def list_bands() -> OperationAnswer:
    """The published bands of monthly use, smallest first, with their sources."""
    return _band_list()


@cache
def _band_list() -> BandListAnswer:
    return BandListAnswer(items=[BandAnswer.of(band) for band in bands()])


@operation(
    "GET",
    "/methodology",
    permission=Permission.READ_PUBLISHED,
    summary="Read the methodology",
    answers={200: MethodologyAnswer},
)
def read_methodology() -> OperationAnswer:
    """Both methods with the very constants the code uses, and which one prices plans here."""
    return MethodologyAnswer(
        pricing_method=current_state().settings.method,
        published=MethodAnswer.of(published()),
        class_aware=MethodAnswer.of(explained()),
        published_elsewhere=_checks(),
        outlook_of_one=OutlookWidthAnswer.of(next_month.ONE_PERSON),
        outlook_of_many=OutlookWidthAnswer.of(next_month.MANY_PEOPLE),
    )


def _checks() -> list[CheckAnswer]:
    by_version = [comparisons(version) for version in class_aware_versions()]
    return [
        CheckAnswer.of(each[0].figure, verdicts=[VerdictAnswer.of(one) for one in each])
        for each in zip(*by_version, strict=True)
    ]


register = operations(list_bands, read_methodology)
