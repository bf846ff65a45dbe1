"""Operations on legal texts. Anyone may read them."""

from __future__ import annotations

from flask_tokenoffset.blueprints.documents.schemas import (
    ComparedPassageAnswer,
    ComparisonAnswer,
    ComparisonQuery,
    DocumentAnswer,
    DocumentListAnswer,
    DocumentQuery,
    DocumentTextAnswer,
    DocumentVersionAnswer,
)
from flask_tokenoffset.blueprints.documents.shown import all_shown, shown
from flask_tokenoffset.blueprints.json_api.operations import OperationAnswer, operation, operations
from flask_tokenoffset.errors import NotFound
from flask_tokenoffset.permissions import Permission
from flask_tokenoffset.services.documents.comparison import compare


@operation(
    "GET",
    "/documents",
    permission=Permission.READ_PUBLISHED,
    summary="List the documents",
    query=DocumentQuery,
    answers={200: DocumentListAnswer},
)
def list_documents(query: DocumentQuery) -> OperationAnswer:
    """Every legal text with its versions, what counts now and what is coming."""
    return DocumentListAnswer(items=[DocumentAnswer.of(each) for each in all_shown(query.language)])


@operation(
    "GET",
    "/documents/<document>",
    permission=Permission.READ_PUBLISHED,
    summary="Read a document's versions",
    query=DocumentQuery,
    answers={200: DocumentAnswer},
    problems=[NotFound],
)
def read_document(document: str, query: DocumentQuery) -> OperationAnswer:
    """All versions, the newest first."""
    return DocumentAnswer.of(shown(document, query.language))


@operation(
    "GET",
    "/documents/<document>/versions/<version>",
    permission=Permission.READ_PUBLISHED,
    summary="Read a version of a document",
    query=DocumentQuery,
    answers={200: DocumentTextAnswer},
    problems=[NotFound],
)
def read_document_version(document: str, version: str, query: DocumentQuery) -> OperationAnswer:
    """Its text, and since when it counts. What is published never changes."""
    found = shown(document, query.language)
    standing = found.find(version)
    return DocumentTextAnswer(
        document=found.name,
        version=DocumentVersionAnswer.of(standing, found),
        text=standing.version.text,
    )


@operation(
    "GET",
    "/documents/<document>/compare",
    permission=Permission.READ_PUBLISHED,
    summary="Compare two versions of a document",
    query=ComparisonQuery,
    answers={200: ComparisonAnswer},
    problems=[NotFound],
)
def compare_document_versions(document: str, query: ComparisonQuery) -> OperationAnswer:
    """What was added, removed and changed, passage by passage and word by word."""
    found = shown(document, query.language)
    old, new = found.find(query.from_version), found.find(query.to_version)
    return ComparisonAnswer(
        document=found.name,
        language=found.language,
        from_version=old.version.version,
        to_version=new.version.version,
        passages=[
            ComparedPassageAnswer.of(each) for each in compare(old.version.text, new.version.text)
        ],
    )


register = operations(
    list_documents, read_document, read_document_version, compare_document_versions
)
