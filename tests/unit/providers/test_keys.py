from __future__ import annotations

import pytest

from flask_tokenoffset.errors import WrongKeyKind
from flask_tokenoffset.vault import Secret
from tests.unit.providers.vendors import ANTHROPIC, OPENAI, Vendor, opened, well_formed

REST = "Qz7canaryWx4Ty8Rp2Lm6Vn3"


@pytest.mark.parametrize(
    ("vendor", "key"),
    [
        (ANTHROPIC, f"sk-ant-admin01-{REST}"),
        (ANTHROPIC, f"sk-ant-admin02-{REST}"),
        (OPENAI, f"sk-admin-{REST}"),
    ],
)
def test_an_admin_key_is_accepted(vendor: Vendor, key: str) -> None:
    vendor.provider.check_key_kind(Secret(key))


@pytest.mark.promise("TO-021")
@pytest.mark.parametrize(
    ("vendor", "key", "said"),
    [
        (ANTHROPIC, f"sk-ant-api03-{REST}", "ordinary Anthropic API key"),
        (ANTHROPIC, f"sk-ant-oat01-{REST}", "Anthropic credential of another kind"),
        (ANTHROPIC, f"sk-admin-{REST}", "key from OpenAI"),
        (ANTHROPIC, f"sk-proj-{REST}", "key from OpenAI"),
        (ANTHROPIC, f"sk-svcacct-{REST}", "key from OpenAI"),
        (ANTHROPIC, f"sk-{REST}", "does not look like a key from Anthropic"),
        (ANTHROPIC, f"AKIA{REST}", "does not look like a key from Anthropic"),
        (ANTHROPIC, f"SK-ANT-ADMIN01-{REST}", "does not look like a key from Anthropic"),
        (ANTHROPIC, "sk-ant-admin01", "not a whole key"),
        (ANTHROPIC, f"sk-ant-admin01-{REST} {REST}", "not a whole key"),
        (ANTHROPIC, f"sk-ant-admin01-{REST}\r\nx-evil: 1", "not a whole key"),
        (ANTHROPIC, f"sk-ant-admin01-{REST}é", "not a whole key"),
        (ANTHROPIC, "sk-ant-admin01-" + "a" * 500, "not a whole key"),
        (OPENAI, f"sk-proj-{REST}", "project key from OpenAI"),
        (OPENAI, f"sk-svcacct-{REST}", "service account's key"),
        (OPENAI, f"sk-{REST}", "ordinary OpenAI key"),
        (OPENAI, f"sk-ant-admin01-{REST}", "key from Anthropic"),
        (OPENAI, f"sk-ant-api03-{REST}", "key from Anthropic"),
        (OPENAI, f"AIza{REST}", "does not look like a key from OpenAI"),
        (OPENAI, f"sk-admin-{REST}\n", "not a whole key"),
    ],
)
def test_every_other_key_is_explained_and_nothing_is_sent(
    vendor: Vendor, key: str, said: str
) -> None:
    answers = well_formed(vendor)
    provider = vendor.provider
    with pytest.raises(WrongKeyKind) as before:
        provider.check_key_kind(Secret(key))
    other_key = Vendor(**{**vars(vendor), "key": key})
    with pytest.raises(WrongKeyKind), opened(other_key, answers):
        pass
    message = before.value.message
    assert said in message
    assert provider.key_prefix in message
    assert provider.walk_through.key_page_url in message
    assert REST not in message
    assert answers.requests == []
