"""The targets of a job: its addresses after relabelling, and how each is asked. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from keepwell.kernel.durations import format_duration, parse_duration
from keepwell.kernel.quoting import quoted
from keepwell.ports.http import Basic, Request
from keepwell.rooms.samples.model import Labels

from .due import deadline
from .model import Bounds, Target
from .options import ScrapeOptions
from .relabel import is_label_name, relabelled

ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
"""As Prometheus asks (its documentation, "Exposition formats", and scrape/scrape.go)."""

_ADDRESS, _SCHEME, _PATH, _PARAM = "__address__", "__scheme__", "__metrics_path__", "__param_"
_INTERVAL, _TIMEOUT = "__scrape_interval__", "__scrape_timeout__"


@dataclass(frozen=True, slots=True)
class Planned:
    """The targets of a job, how many relabelling dropped, and a sentence for each that cannot be asked."""

    targets: tuple[Target, ...]
    dropped: int
    refused: tuple[str, ...]


def targets_of(job: str, options: ScrapeOptions) -> Planned:
    """All targets of a job; of two with the same address and labels the first, as in Prometheus."""
    found: dict[object, Target] = {}
    refused, dropped = [], 0
    rules = tuple(step.rule for step in options.relabel_configs)
    for given in _given(job, options):
        labels = relabelled(given, rules)
        if labels is None:
            dropped += 1
            continue
        try:
            target = _target(job, options, labels)
        except ValueError as error:
            refused.append(f"the target {given[_ADDRESS]} of the job {job} cannot be asked: {error}")
            continue
        found.setdefault(target.key, target)
    return Planned(tuple(found.values()), dropped, tuple(refused))


def _given(job: str, options: ScrapeOptions) -> Iterator[dict[str, str]]:
    """The labels of each target before relabelling."""
    for group in options.groups:
        for text in group.targets:
            parts = urlsplit(text if "://" in text else f"{options.scheme}://{text}{options.metrics_path}")
            params = {name: values[0] for name, values in options.params.items() if values} | dict(parse_qsl(parts.query))
            yield {
                _ADDRESS: parts.netloc,
                _SCHEME: parts.scheme,
                _PATH: parts.path or options.metrics_path,
                _INTERVAL: format_duration(options.every),
                _TIMEOUT: format_duration(options.deadline),
                "job": job,
                **{f"{_PARAM}{name}": value for name, value in params.items()},
                **group.labels,
            }


def _target(job: str, options: ScrapeOptions, labels: dict[str, str]) -> Target:
    """The target with these labels. Raises ValueError with a clause where it cannot be asked."""
    if not labels.get(_ADDRESS):
        raise ValueError("relabelling took its address away")
    every, timeout = _duration(labels, _INTERVAL), _duration(labels, _TIMEOUT)
    if timeout > every:
        raise ValueError("relabelling made its timeout longer than its interval")
    if wrong := next((name for name in labels if not is_label_name(name)), None):
        raise ValueError(f"{quoted(wrong)} cannot be the name of a label")
    own = {name: value for name, value in labels.items() if not name.startswith("__")}
    own.setdefault("instance", labels[_ADDRESS])
    return Target(
        job,
        own,
        _request(options, _url(options, labels), deadline(timeout.total_seconds(), every.total_seconds())),
        every.total_seconds(),
        tuple(step.rule for step in options.metric_relabel_configs),
        options.honor_labels,
        options.honor_timestamps,
        Bounds(options.sample_limit, options.label_limit, options.label_name_length_limit, options.label_value_length_limit),
    )


def _duration(labels: Labels, name: str) -> timedelta:
    duration = parse_duration(labels.get(name, ""))
    if duration <= timedelta(0):
        raise ValueError(f"{name} is not above 0")
    return duration


def _url(options: ScrapeOptions, labels: Mapping[str, str]) -> str:
    scheme = labels.get(_SCHEME, "http")
    if scheme not in ("http", "https"):
        raise ValueError(f"{quoted(scheme)} is neither http nor https")
    host = labels[_ADDRESS]
    if urlsplit(f"{scheme}://{host}").path or not urlsplit(f"{scheme}://{host}").hostname:
        raise ValueError(f"{quoted(host)} is no address: HOST:PORT is one")
    path = quote(labels.get(_PATH, ""), safe="/%:@!$&'()*+,;=~-._")
    params: dict[str, list[str]] = {name: list(values) for name, values in options.params.items()}
    for name, value in labels.items():
        if name.startswith(_PARAM):
            params[name.removeprefix(_PARAM)] = [value, *params.get(name.removeprefix(_PARAM), [])[1:]]
    query = urlencode(sorted(params.items()), doseq=True)
    return f"{scheme}://{host}/{path.lstrip('/')}" + (f"?{query}" if query else "")


def _request(options: ScrapeOptions, url: str, timeout: float) -> Request:
    asked = {"Accept": ACCEPT, "Accept-Encoding": "gzip", "X-Prometheus-Scrape-Timeout-Seconds": f"{timeout:g}"}
    given = {name.lower() for name in (*options.headers, *options.secrets)}
    return Request(
        url,
        headers={**{name: value for name, value in asked.items() if name.lower() not in given}, **options.headers},
        secrets=options.secrets,
        timeout=timeout,
        redirects=10 if options.follow_redirects else 0,
        body_limit=options.body_size_limit,
        verify=options.verify,
        authority=options.authority,
        basic=Basic(options.basic.user, options.basic.password) if options.basic is not None else None,
        bearer=options.bearer,
    )
