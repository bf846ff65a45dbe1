"""Global Privacy Control: the header by which a browser objects, and the file that says we listen.

See https://w3c.github.io/gpc/. The header is an objection where its value is exactly ``1``; any
other value says nothing.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from flask import jsonify, request

from flask_tokenoffset.data_map.enforcement import enforces

if TYPE_CHECKING:
    from flask import Flask, Response

HEADER: Final = "Sec-GPC"
#: Where a site says that it abides by the signal; on the site's own root, not below our prefix.
PATH: Final = "/.well-known/gpc.json"
#: The day since which what we say there is so.
SINCE: Final = date(2026, 11, 20)


@enforces("a-privacy-signal-is-an-objection", "TO-054", off=False)
def sends_signal() -> bool:
    """Whether the browser objects with the present request."""
    return request.headers.get(HEADER) == "1"


def serve_gpc(app: Flask, *, since: date = SINCE) -> None:
    """Have an application say at ``/.well-known/gpc.json`` that it abides by the signal.

    Call it only where that is true of your whole site: the file speaks for all of it, and we abide
    by the signal on our pages alone.

    :param app: the host; the route is the only thing of ours outside the prefix.
    :param since: the day since which it is so.
    """

    def gpc_json() -> Response:
        return jsonify({"gpc": True, "lastUpdate": since.isoformat()})

    app.add_url_rule(PATH, "tokenoffset_gpc", gpc_json)
