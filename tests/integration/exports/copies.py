"""Asking for a copy of everything held about a person, and opening it, as the person does."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from tests.support.world import PREFIX

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.support.world import Browser, World


def ask(person: Browser) -> str:
    """Ask for a copy; gives its id."""
    answer = person.api("POST", "/privacy/exports")
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["id"])


def state_of_copy(person: Browser, export_id: str) -> dict[str, Any]:
    """Where a copy stands, as the API shows it."""
    answer = person.api("GET", f"/privacy/exports/{export_id}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.get_json()
    return shown


def ready_link(world: World, person: Browser) -> str:
    """Have a copy made; gives the path of its link, below the prefix."""
    export_id = ask(person)
    world.work()
    link = state_of_copy(person, export_id)["link"]
    assert link is not None
    # Mail that tells of it was expected.
    assert any(message.kind == "export-ready" for message in world.mailbox)
    return str(link).removeprefix(PREFIX)


def fetch(person: Browser, link: str) -> TestResponse:
    """Press the button behind a link, whether the page shows it or not."""
    return person.post(link)


class Copy:
    """An archive, opened.

    :param content: the bytes of the ZIP.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            self.files = {name: archive.read(name) for name in archive.namelist()}

    @classmethod
    def of(cls, world: World, person: Browser) -> Copy:
        """Ask for a copy, and fetch it."""
        answer = fetch(person, ready_link(world, person))
        assert answer.status_code == 200, answer.text
        return cls(answer.data)

    @property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads(self.files["manifest.json"])
        return manifest

    @property
    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = json.loads(self.files["schema.json"])
        return schema

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The rows of a table, from its JSON."""
        document = json.loads(self.files[f"json/{table}.json"])
        assert document["table"] == table
        rows: list[dict[str, Any]] = document["rows"]
        return rows

    @property
    def all_text(self) -> str:
        """Everything in it but the schema, which is the same for everyone."""
        return "\n".join(
            content.decode() for name, content in self.files.items() if name != "schema.json"
        )

    def digest(self, name: str) -> str:
        return hashlib.sha256(self.files[name]).hexdigest()
