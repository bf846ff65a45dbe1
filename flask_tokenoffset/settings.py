"""Every setting, read once from the host's configuration into a typed, frozen object.

What is missing or wrong raises :exc:`~flask_tokenoffset.errors.ConfigurationError` with a sentence
that names the setting and the cure, so that the application stops at start-up and not at the first
click. ``docs/reference/settings.md`` documents each one; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from flask_tokenoffset.errors import ConfigurationError
from flask_tokenoffset.host.addresses import read_local_path, read_public_url, read_text
from flask_tokenoffset.host.identity_providers import IdentityProvider, read_identity_providers
from flask_tokenoffset.host.programmes import Programmes, read_programmes

if TYPE_CHECKING:
    from flask_tokenoffset.vault import KeyStore

PREFIX: Final = "TOKENOFFSET_"
#: What a notice says of what only the operator knows, until a setting says it.
NOT_STATED: Final = "not stated by the operator"
KNOWN_METHODS: Final = ("2026-05", "2026.11")


def _between(low: int, high: int, *, default: int) -> Any:
    """A setting that is a whole number from one to another."""
    return field(default=default, metadata={"range": (low, high)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one application, checked and frozen.

    Each field is the setting ``TOKENOFFSET_<FIELD>`` in upper case.
    """

    #: The master keys that protect connected vendor keys: ``version:base64`` entries, the primary
    #: one first, as a list or as one text joined by commas. Required unless ``key_store`` is given.
    keys: str | tuple[str, ...] | None = field(default=None, repr=False)
    #: A :class:`~flask_tokenoffset.vault.KeyStore` of your own, for a KMS or HSM, instead of
    #: ``keys``.
    key_store: KeyStore | None = field(default=None, repr=False)
    #: Where Redis listens, for example ``redis://localhost:6379/0``. Carries the jobs and counts
    #: attempts. Required in production.
    redis_url: str | None = field(default=None, repr=False)
    #: Run jobs in a thread of the web process instead of Redis. For development and demos only.
    embedded_queue: bool = False
    #: The version of the method that prices a plan: ``2026-05`` (the published rate) or
    #: ``2026.11`` (the class-aware estimate).
    method: str = "2026-05"
    #: What contributions are directed to: a list of ``name``, ``what_it_does``, ``address`` and
    #: ``share_percent``. Each adoption and each billing record keeps the list of its time.
    programmes: Programmes = ()
    #: The template our layout extends: the partner's own layout. Where its blocks are not called
    #: ``title``, ``head`` and ``content``, override ``tokenoffset/layout.html`` as well.
    base_template: str = "tokenoffset/base.html"
    #: The Flask-SQLAlchemy bind our tables live in; the host's default database without it.
    bind_key: str | None = None
    #: The vendors that may be connected; without it, those that come with the package.
    providers: tuple[str, ...] | None = None
    #: Whether any vendor may be called at all. ``False`` makes no outbound call, ever.
    outbound: bool = True
    #: Provider name to an ``httpx`` transport, for tests and simulators. It never changes the list
    #: of endpoints that may be called.
    http_transports: Mapping[str, Any] = field(default_factory=dict, repr=False)
    #: Days of history a sample reads.
    sample_days: int = _between(30, 365, default=90)
    #: Hours after midnight UTC before the day before counts as settled.
    settling_hours: int = _between(0, 72, default=6)
    #: Minutes over which the weekly refresh (Sunday 08:00 UTC) is spread.
    refresh_window_minutes: int = _between(1, 24 * 60, default=120)
    #: Sample runs of one vendor that the schedule starts in a minute at most, over all accounts.
    vendor_starts_per_minute: int = _between(1, 10_000, default=150)
    #: Minutes a person waits between two samples of one source that they asked for.
    resample_interval_minutes: int = _between(0, 7 * 24 * 60, default=10)
    #: Keys one person may submit for checking in an hour.
    key_checks_per_hour: int = _between(1, 10_000, default=20)
    #: Days for which the audit log keeps the network address and the user agent of a change; 0
    #: keeps none. The changes themselves stay.
    audit_origin_days: int = _between(0, 3_650, default=90)
    #: Hours for which a copy of everything held about a person can be fetched.
    export_hours: int = _between(1, 168, default=72)
    #: Rule to the days its records are kept, where that is shorter than the rule allows.
    retention: Mapping[str, int] = field(default_factory=dict)
    #: Retention plan to the days its accounts' usage is kept; those of the policies without it.
    retention_plans: Mapping[str, int] | None = None
    #: A folder for the log of requests; none is written without it.
    request_log: str | None = None
    #: Days for which the log of requests is kept.
    request_log_days: int = _between(1, 3_650, default=30)
    #: Times one person may take the audit log away as a file in an hour; an organization's people
    #: together, and those behind one network address, may do so five times as often.
    audit_exports_per_hour: int = _between(1, 10_000, default=10)
    #: Days for which an invitation to an organization is good.
    invitation_days: int = _between(1, 7, default=7)
    #: Invitations one person, and one organization, may send in an hour.
    invitations_per_hour: int = _between(1, 100_000, default=2_000)
    #: Callable that returns the Content-Security-Policy nonce of the present request, if the
    #: host's policy wants one on ``<script>`` and ``<link>``.
    csp_nonce: Callable[[], str] | None = None
    #: Where a person signs in, if the host does not use Flask-Login: a path, to which ``next`` is
    #: added.
    login_url: str | None = None
    #: Name to each OpenID Connect provider whose accounts people may link to theirs: ``issuer``,
    #: ``client_id``, ``client_secret`` and more.
    oauth_providers: Mapping[str, IdentityProvider] = field(default_factory=dict)
    #: The provider of which a person needs a linked identity before they may join an organization;
    #: where a linked identity is the login, the only one that signs in.
    required_identity: str | None = None
    #: How people sign in: ``host``, where the application has users of its own, or ``identity``,
    #: where a linked identity or a mailed link is the login.
    sign_in: str = "host"
    #: What hands mail over: a :class:`~flask_tokenoffset.host.mailer.Mailer`, or a function that
    #: takes an :class:`~flask_tokenoffset.host.mailer.OutgoingMail`. Without one, what needs mail
    #: is refused.
    mailer: Any = field(default=None, repr=False)
    #: Where people reach this application, for links in mail, which jobs write outside of any
    #: request: scheme and host, and the path it is mounted under if there is one.
    public_url: str | None = None
    #: Minutes for which a person counts as reauthenticated after they confirmed that it is they.
    fresh_sign_in_minutes: int = _between(1, 24 * 60, default=15)
    #: Days after which an account is deleted whose deletion was asked for; until then it can be
    #: taken back. Never more than 30: the purge itself is done within them.
    deletion_grace_days: int = _between(0, 30, default=30)
    #: Years for which the proof of what an erased person agreed to, and the log of what was changed
    #: in their account, are kept under ids alone.
    proof_years: int = _between(0, 3, default=3)
    #: Years of age under which nobody has an account, wherever the host states an age or a birth
    #: date; 0 asks nobody.
    minimum_age: int = _between(0, 100, default=13)
    #: Called by a job after an account was erased, with the :attr:`HostUser.key`, so that the host
    #: erases what it holds itself. It returns nothing or a short word; until it returns, it is
    #: called again.
    erasure_hook: Callable[[str], str | None] | None = None
    #: Who is responsible for what is done with people's data, as consent notices and receipts name
    #: them: a company and its address.
    controller: str = NOT_STATED
    #: Where questions about personal data are answered: an address of mail or a page.
    privacy_contact: str = NOT_STATED
    #: Where the data lies, for example ``Frankfurt, Germany``.
    storage_place: str = NOT_STATED
    #: Whose law the processing is under, for example ``European Union (GDPR)``.
    jurisdiction: str = NOT_STATED
    #: Let the vault work while a debugger is on. For tests only: a debugger shows secrets.
    allow_vault_in_debug: bool = False

    @classmethod
    def from_config(cls, config: Mapping[Any, Any]) -> Settings:
        """Read and check the settings.

        :param config: the host's configuration (``app.config``).
        :raises ConfigurationError: for the first setting that is unknown, missing or wrong.
        """
        known = {PREFIX + each.name.upper(): each for each in fields(cls)}
        given: dict[str, Any] = {}
        for key, value in config.items():
            if not isinstance(key, str) or not key.startswith(PREFIX):
                continue
            if key not in known:
                raise ConfigurationError(
                    key,
                    "there is no such setting. The settings are "
                    + ", ".join(sorted(known))
                    + ". Correct the name or remove it.",
                )
            if value is not None:
                given[known[key].name] = _checked(known[key], key, value)
        settings = cls(**given)
        settings._check_together()
        return settings

    def _check_together(self) -> None:
        if self.keys is None and self.key_store is None:
            raise ConfigurationError(
                "TOKENOFFSET_KEYS",
                "it is missing, and without it connected vendor keys cannot be protected. Make a"
                " key with «python -m flask_tokenoffset keys generate», keep it in your secret"
                " store, and hand it over in this setting (or set TOKENOFFSET_KEY_STORE).",
            )
        if self.keys is not None and self.key_store is not None:
            raise ConfigurationError(
                "TOKENOFFSET_KEY_STORE",
                "it is set together with TOKENOFFSET_KEYS, and only one of them can protect the"
                " connected keys. Remove one.",
            )
        if self.required_identity is not None and self.required_identity not in (
            self.oauth_providers
        ):
            raise ConfigurationError(
                "TOKENOFFSET_REQUIRED_IDENTITY",
                f"{self.required_identity!r} is none of the names in TOKENOFFSET_OAUTH_PROVIDERS,"
                " so nobody could have it. Add that provider or correct the name.",
            )
        if self.redis_url is None and not self.embedded_queue:
            raise ConfigurationError(
                "TOKENOFFSET_REDIS_URL",
                "it is missing, so background samples have no way to run. Set it to your Redis"
                " («redis://localhost:6379/0»), or, for development only, set"
                " TOKENOFFSET_EMBEDDED_QUEUE = True.",
            )
        if self.redis_url is not None and self.embedded_queue:
            raise ConfigurationError(
                "TOKENOFFSET_EMBEDDED_QUEUE",
                "it is on although TOKENOFFSET_REDIS_URL is set, and jobs can go only one way."
                " Remove one of them.",
            )
        if self.mailer is not None and self.public_url is None:
            raise ConfigurationError(
                "TOKENOFFSET_PUBLIC_URL",
                "it is missing although TOKENOFFSET_MAILER is set, so links in mail would lead"
                " nowhere: they are written by jobs, which no request tells where this application"
                " is. Set it, as in «https://app.example.com».",
            )


def _checked(setting: Field[Any], name: str, value: Any) -> Any:
    if "range" in setting.metadata:
        return _whole_number(*setting.metadata["range"])(name, value)
    return (_CHECKS.get(setting.name) or _CHECK_OF_TYPE[str(setting.type)])(name, value)


def _switch(name: str, value: Any) -> bool:
    if isinstance(value, str) and value.strip().lower() in {"true", "1", "yes", "on"}:
        return True
    if isinstance(value, str) and value.strip().lower() in {"false", "0", "no", "off", ""}:
        return False
    if not isinstance(value, bool):
        raise ConfigurationError(name, f"it must be True or False, not {value!r}.")
    return value


def _whole_number(low: int, high: int) -> Callable[[str, Any], int]:
    def check(name: str, value: Any) -> int:
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigurationError(
                name, f"it must be a whole number from {low} to {high}, not {value!r}."
            )
        return value

    return check


def _days_by_name(name: str, value: Any) -> Mapping[str, int]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(name, "it must map names to days, as in {'usage': 90}.")
    days = _whole_number(0, 36_500)
    return {str(key): days(name, each) for key, each in value.items()}


def _key_entries(name: str, value: Any) -> str | tuple[str, ...]:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence) and all(isinstance(entry, str) for entry in value):
        return tuple(value)
    raise ConfigurationError(
        name,
        "it must be a text or a list of texts of the form «version:base64». Make one with «python"
        " -m flask_tokenoffset keys generate».",
    )


def _redis_url(name: str, value: Any) -> str:
    text = read_text(name, value)
    if urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        raise ConfigurationError(
            name, "it must start with redis://, rediss:// or unix://, as in «redis://localhost/0»."
        )
    return text


def _one_of(*allowed: str) -> Callable[[str, Any], str]:
    def check(name: str, value: Any) -> str:
        if value not in allowed:
            raise ConfigurationError(
                name, f"it must be one of {', '.join(allowed)}, not {value!r}."
            )
        return str(value)

    return check


def _provider_names(name: str, value: Any) -> tuple[str, ...]:
    names = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not all(isinstance(each, str) for each in names):
        raise ConfigurationError(
            name, f"it must be a list of names of vendors, as in ['openai'], not {value!r}."
        )
    if len(set(names)) != len(names):
        raise ConfigurationError(name, f"it names a vendor twice: {value!r}. Name each once.")
    return tuple(names)


def _transports(name: str, value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            name,
            "it must map provider names to httpx transports, as in {'openai':"
            " httpx.MockTransport(handler)}.",
        )
    for provider, transport in value.items():
        if not callable(getattr(transport, "handle_request", None)):
            raise ConfigurationError(
                name, f"the value for {provider!r} is not an httpx transport (no handle_request)."
            )
    return dict(value)


def _callable(name: str, value: Any) -> Any:
    if not callable(value):
        raise ConfigurationError(name, f"it must be a callable, not {type(value).__name__}.")
    return value


def _key_store(name: str, value: Any) -> Any:
    if not (callable(getattr(value, "wrap", None)) and callable(getattr(value, "unwrap", None))):
        raise ConfigurationError(
            name, "it must be a flask_tokenoffset.vault.KeyStore: an object with wrap and unwrap."
        )
    return value


def _mailer(name: str, value: Any) -> Any:
    if not (callable(value) or callable(getattr(value, "send", None))):
        raise ConfigurationError(
            name,
            "it must be a flask_tokenoffset.host.mailer.Mailer (an object with send), or a function"
            f" that takes an OutgoingMail, not {type(value).__name__}.",
        )
    return value


#: By the type of a setting, where nothing more is to be said of it.
_CHECK_OF_TYPE: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "bool": _switch,
    "str": read_text,
    "str | None": read_text,
}
_CHECKS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "keys": _key_entries,
    "key_store": _key_store,
    "redis_url": _redis_url,
    "method": _one_of(*KNOWN_METHODS),
    "programmes": read_programmes,
    "providers": _provider_names,
    "http_transports": _transports,
    "retention": _days_by_name,
    "retention_plans": _days_by_name,
    "csp_nonce": _callable,
    "login_url": read_local_path,
    "oauth_providers": read_identity_providers,
    "sign_in": _one_of("host", "identity"),
    "mailer": _mailer,
    "public_url": read_public_url,
    "erasure_hook": _callable,
}
