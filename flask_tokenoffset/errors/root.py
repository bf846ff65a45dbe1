"""The root of the tree, and what stops start-up."""

from __future__ import annotations

from typing import ClassVar


class TokenOffsetError(Exception):
    """The root of every error this package raises on purpose.

    :param message: whole sentences a person can act on; never a secret.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigurationError(TokenOffsetError):
    """A setting is missing or wrong, so the application must not start.

    :param setting: the name of the setting at fault, for example ``TOKENOFFSET_KEYS``.
    :param message: what is wrong and how to mend it.
    """

    code = "configuration"

    def __init__(self, setting: str, message: str) -> None:
        super().__init__(f"{setting}: {message}")
        self.setting = setting
