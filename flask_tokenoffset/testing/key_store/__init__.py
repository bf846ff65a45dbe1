"""A conformance suite for key stores, to run in the CI of a project that writes one.

Describe the store under test with a :class:`KeyStoreHarness`, then let pytest run the cases::

    @pytest.mark.parametrize("case", key_store_cases(), ids=str)
    def test_our_key_store(case):
        case.run(OurHarness)

Each case asks for a fresh harness. A case that fails raises :exc:`AssertionError` with a sentence
that says what a vault relies on and what the store did instead.
"""

from __future__ import annotations

from flask_tokenoffset.testing.key_store.cases import key_store_cases
from flask_tokenoffset.testing.key_store.harness import Fault, KeyStoreCase, KeyStoreHarness

__all__ = ["Fault", "KeyStoreCase", "KeyStoreHarness", "key_store_cases"]
