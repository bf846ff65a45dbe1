"""What the extension adds to the start of a process of the host's (run by hand).

Fresh processes are started in turns: one imports Flask, Flask-SQLAlchemy and Flask-Login and sets
them up in an application; the other mounts the extension in it as well. Their processor time is
compared, because what else the machine does says nothing about us. Pages and jobs load what they
use with their first call; that is not counted here.

    python benchmarks/start.py [--rounds 15]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

MOST_RATIO = 1.6

ALONE = """
from flask import Flask
from flask_login import LoginManager, UserMixin
from flask_sqlalchemy import SQLAlchemy

app = Flask("host")
app.config.update(SECRET_KEY="s" * 40, SQLALCHEMY_DATABASE_URI="sqlite://")
db = SQLAlchemy(app)
manager = LoginManager(app)

class User(db.Model, UserMixin):
    id = db.Column(db.Integer, primary_key=True)

@manager.user_loader
def load(key):
    return db.session.get(User, key)
"""
MOUNTED = f"""{ALONE}
from flask_tokenoffset import TokenOffset
from flask_tokenoffset.vault import generate_key

app.config.update(TOKENOFFSET_EMBEDDED_QUEUE=True, TOKENOFFSET_KEYS=generate_key("benchmark"))
TokenOffset(app)
"""


def processor_seconds(source: str) -> float:
    """User and system time of a fresh process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", source], check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {ALONE: [], MOUNTED: []}
    for number in range(rounds + 1):
        for source, measured in seconds.items():
            spent = processor_seconds(source)
            if number:  # the first round may have to compile
                measured.append(spent)
    alone, mounted = (statistics.median(measured) for measured in seconds.values())
    ratio = mounted / alone
    print(
        f"Flask, Flask-SQLAlchemy and Flask-Login: {alone * 1000:.0f} ms of processor time; with"
        f" the extension: {mounted * 1000:.0f} ms (medians of {rounds} rounds)"
    )
    verdict = "met" if ratio <= MOST_RATIO else "MISSED"
    print(f"start: ratio {ratio:.2f}, bar {MOST_RATIO}: {verdict}")
    return int(ratio > MOST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
