"""The address under which an account's usage can be taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from flask_tokenoffset.blueprints.html.page_routes import page_routes
from flask_tokenoffset.blueprints.usage.files import FORMATS, usage_file
from flask_tokenoffset.errors import InvalidInput
from flask_tokenoffset.permissions import Permission, requires

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


@requires(Permission.READ_SOURCES, before_acceptance=True)
def export_usage() -> ResponseReturnValue:
    """Send all sampled usage as a file; ``format`` says which kind."""
    file_format = request.args.get("format", "csv")
    if file_format not in FORMATS:
        raise InvalidInput({"format": "Usage can be had as csv or json. Choose one of the two."})
    return usage_file(file_format)


register = register_in_organization = page_routes(
    ("/usage/export", export_usage),
)
