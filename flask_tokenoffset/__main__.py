"""``python -m flask_tokenoffset``: the commands where there is no application yet.

``keys generate`` needs none, which matters because no application starts without a key. The other
commands find the application by ``FLASK_APP``, as ``flask tokenoffset`` does.
"""

from __future__ import annotations

import os

from flask.cli import ScriptInfo

from flask_tokenoffset.cli import tokenoffset

if __name__ == "__main__":
    # A bare ScriptInfo would not look at FLASK_APP.
    application = ScriptInfo(app_import_path=os.environ.get("FLASK_APP"))
    tokenoffset.main(prog_name="python -m flask_tokenoffset", obj=application)
