"""The section ``scrape``: pages of measurements that are asked for again and again, with the keys of Prometheus' ``scrape_configs``."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from keepwell.config.options import Duration, ExpandedText, Options, SecretReference, Size
from keepwell.kernel.quoting import quoted

from .relabel import ANYTHING, FIRST, Action, Rule, is_label_name, is_template_of_name

_SHORTEST = timedelta(seconds=1)
_USUAL_TIMEOUT = timedelta(seconds=10)
_HEADER = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+.^_`|~-")  # RFC 9110 section 5.6.2


def _target(text: str) -> str:
    """Refuses what is neither HOST:PORT nor an http address."""
    whole = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(whole)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        plain = "://" in text or (parts.path in ("", "/") and not parts.query)
    except ValueError:
        usable = plain = False
    if not usable or not plain or parts.username is not None or any(character.isspace() for character in text):
        raise ValueError(f"{quoted(text)} is no target: write HOST:PORT, or http://HOST:PORT/PATH")
    return text.rstrip("/") if "://" not in text else text


TargetText = Annotated[ExpandedText, AfterValidator(_target)]


class RelabelOptions(Options):
    """One step of relabelling, with the keys, actions and defaults of Prometheus' ``relabel_config``."""

    source_labels: tuple[str, ...] = ()
    """The labels whose values are put together, with ``separator`` between them."""
    separator: str = ";"
    """What stands between the values."""
    regex: str = ANYTHING
    """What the values must match as a whole (RE2); of ``labelmap``, ``labeldrop`` and ``labelkeep``: what names of labels must match."""
    target_label: str = ""
    """The label that is written, or compared. Of ``replace`` it may hold ``$1`` or ``${1}``."""
    replacement: str = FIRST
    """What is written, with ``$1`` or ``${1}`` for groups of ``regex``; nothing takes the label away."""
    modulus: int = Field(default=0, ge=0, lt=2**64)
    """Of ``hashmod``: what the hash is divided by."""
    action: Action = "replace"
    """What is done where it matches: ``replace``, ``keep``, ``drop``, ``keepequal``, ``dropequal``, ``hashmod``, ``labelmap``,
    ``labeldrop``, ``labelkeep``, ``lowercase`` or ``uppercase``."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for problem in _relabel_problems(self):
            raise ValueError(problem)
        return self

    @property
    def rule(self) -> Rule:
        """The step. Raises ValueError where ``regex`` is none."""
        keys = ("action", "source_labels", "separator", "regex", "target_label", "replacement", "modulus")
        return Rule(**{key: getattr(self, key) for key in keys})


def _relabel_problems(options: RelabelOptions) -> Iterator[str]:
    """What Prometheus refuses, in its order."""
    action, given = options.action, options.model_fields_set - {"action"}
    if action == "hashmod" and options.modulus == 0:
        yield "hashmod needs a modulus above 0"
    writes = action in ("replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal")
    if writes and not options.target_label:
        yield f"{action} needs a target_label"
    fits = is_template_of_name if action == "replace" else is_label_name
    if writes and not fits(options.target_label):
        yield f"{quoted(options.target_label)} cannot be the name of a label: write letters, digits and _"
    if action in ("lowercase", "uppercase", "keepequal", "dropequal") and "replacement" in given:
        yield f"{action} replaces nothing: leave out replacement"
    if action == "labelmap" and not is_template_of_name(options.replacement):
        yield f"{quoted(options.replacement)} cannot become the name of a label: write letters, digits, _ and $1"
    allowed = {"labeldrop": {"regex"}, "labelkeep": {"regex"}, "keepequal": {"source_labels", "target_label"}}
    allowed["dropequal"] = allowed["keepequal"]
    if action in allowed and (beside := sorted(given - allowed[action])):
        yield f"{action} takes only {' and '.join(sorted(allowed[action]))}: leave out {beside[0]}"
    try:
        _ = options.rule
    except ValueError as error:
        yield str(error)


class GroupOptions(Options):
    """Targets with labels of their own."""

    targets: tuple[TargetText, ...] = Field(min_length=1)
    """Where they are: ``HOST:PORT``, or a whole address."""
    labels: dict[str, ExpandedText] = Field(default_factory=dict)
    """Labels of each of their series."""


class BasicAuthOptions(Options):
    """Who asks, by name and password (HTTP's Basic authentication)."""

    user: ExpandedText = Field(min_length=1)
    """Name of the user. ``${VAR}`` is replaced from the environment."""
    password: SecretReference
    """The password, for example ``secret:METRICS_PASSWORD``."""


class ScrapeOptions(Options):
    """A job: pages of measurements (Prometheus' text format or OpenMetrics) that are asked for again and again. The entry's name becomes
    the label ``job``, each target's address ``instance``."""

    targets: tuple[TargetText, ...] = ()
    """Where the pages are: ``HOST:PORT`` (then ``scheme`` and ``metrics_path`` count), or a whole address. ``${VAR}`` is replaced."""
    labels: dict[str, ExpandedText] = Field(default_factory=dict)
    """Labels of each series, such as ``{env: production}``."""
    static_configs: tuple[GroupOptions, ...] = ()
    """More targets, in groups with labels of their own, as in Prometheus."""
    every: Duration = timedelta(minutes=1)
    """How often each page is asked for (Prometheus' ``scrape_interval``); at least 1s."""
    timeout: Duration | None = None
    """How long a page may take, connecting included (``scrape_timeout``). Without it 10s, or ``every`` where that is shorter. A page that
    takes as long as ``every`` is given up a moment (a twentieth, at most 0.5s) before the next is due."""
    metrics_path: ExpandedText = "/metrics"
    """The path of the page."""
    scheme: Literal["http", "https"] = "http"
    """How targets without a scheme are asked."""
    params: dict[str, tuple[ExpandedText, ...]] = Field(default_factory=dict)
    """Parameters of the address, for example ``{module: [http_2xx]}``."""
    honor_labels: bool = False
    """Whether a label of the page wins over one of the target with the same name; else the page's becomes ``exported_NAME``."""
    honor_timestamps: bool = True
    """Whether the instants that a page states count; else that of the scrape does."""
    follow_redirects: bool = True
    """Whether redirects are followed."""
    sample_limit: int = Field(default=0, ge=0)
    """How many samples a page may have after ``metric_relabel_configs``; a page with more fails. 0: any number."""
    label_limit: int = Field(default=0, ge=0)
    """How many labels a series may have; a page with one that has more fails. 0: any number (a series with more than 64 is refused)."""
    label_name_length_limit: int = Field(default=0, ge=0)
    """How many bytes the name of a label may have; 0: any number."""
    label_value_length_limit: int = Field(default=0, ge=0)
    """How many bytes the value of a label may have; 0: any number."""
    body_size_limit: Size = Field(default=16 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024)
    """How large a page may be, unpacked; a larger one fails. Usually 16MiB, at most 256MiB."""
    relabel_configs: tuple[RelabelOptions, ...] = ()
    """Steps that rewrite the labels of each target, or drop it, before it is asked. ``__address__``, ``__scheme__``, ``__metrics_path__``,
    ``__param_NAME``, ``__scrape_interval__`` and ``__scrape_timeout__`` say how it is asked; what begins with ``__`` goes afterwards."""
    metric_relabel_configs: tuple[RelabelOptions, ...] = ()
    """Steps that rewrite the labels of each series, or drop it; its name is ``__name__``."""
    basic: BasicAuthOptions | None = None
    """User and password to send, for example ``{user: probe, password: "secret:METRICS_PASSWORD"}``."""
    bearer: SecretReference | None = None
    """A token to send as ``Authorization: Bearer ...``, for example ``secret:METRICS_TOKEN``."""
    headers: dict[str, ExpandedText] = Field(default_factory=dict)
    """Further headers to send. ``${VAR}`` is replaced; secrets belong under ``secrets``."""
    secrets: dict[str, SecretReference] = Field(default_factory=dict)
    """Headers whose whole value is a secret, for example ``{X-API-Key: "secret:METRICS_KEY"}``."""
    verify: bool = True
    """Whether a server's certificate must be valid, trusted and for its host."""
    authority: str | None = None
    """Path of a PEM file with the certificate authorities to trust instead of the system's."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for problem in _problems(self):
            raise ValueError(problem)
        return self

    @property
    def groups(self) -> tuple[GroupOptions, ...]:
        """All targets, in groups."""
        own = (GroupOptions.model_construct(targets=self.targets, labels=self.labels),) if self.targets else ()
        shared = (
            GroupOptions.model_construct(targets=group.targets, labels={**self.labels, **group.labels}) for group in self.static_configs
        )
        return (*own, *shared)

    @property
    def deadline(self) -> timedelta:
        """How long a page may take."""
        return self.timeout if self.timeout is not None else min(_USUAL_TIMEOUT, self.every)


def _problems(options: ScrapeOptions) -> Iterator[str]:
    if not options.targets and not options.static_configs:
        yield "there is nothing to scrape: give targets, such as [127.0.0.1:9100]"
    if options.every < _SHORTEST:
        yield "every is below one second"
    if options.deadline > options.every:
        yield "timeout is longer than every: a page must come before the next one is asked for"
    if options.deadline <= timedelta(0):
        yield "timeout is not above 0"
    for name in (name for labels in (options.labels, *(group.labels for group in options.static_configs)) for name in labels):
        if not is_label_name(name):
            yield f"{quoted(name)} cannot be the name of a label: write letters, digits and _"
    for name, value in (options.headers | options.secrets).items():
        if not name or not set(name) <= _HEADER or any(ord(character) < 32 for character in value):
            yield f"{quoted(name)} cannot be sent as a header"
    if wrong := next((name for name, value in options.headers.items() if value.startswith("secret:")), None):
        yield f"the header {wrong} refers to a secret: write it under secrets instead of headers"
    kept = [options.bearer or "", options.basic.password if options.basic is not None else "", *options.secrets.values()]
    if any(reference.startswith("secret:command:") for reference in kept):
        # A command runs only when its text was accepted, and what is scraped is not among what is accepted.
        yield "no command is run for the secret of a scrape: write secret:NAME or secret:file:PATH"
    ways = [key for key, given in (("basic", options.basic), ("bearer", options.bearer)) if given is not None]
    ways += [name for name in (*options.headers, *options.secrets) if name.lower() == "authorization"]
    if len(ways) > 1:
        yield f"{' and '.join(ways)} are all sent as the header Authorization: give one of them"
