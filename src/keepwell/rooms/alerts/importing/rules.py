"""What must hold between the keys of Alertmanager's file (alertmanager 0.25, config/config.go and config/notifiers.go)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

from keepwell.kernel.quoting import quoted
from keepwell.rooms.alerts.routing.interval_words import read_times

from .reading import Part, Wrong

Rule = Callable[[Part], Iterator[Wrong]]

_RESPONDERS = ("team", "teams", "user", "escalation", "schedule")
_OWN = ("routing_key", "message_type", "state_message", "entity_display_name", "monitoring_tool", "entity_id", "entity_state")


# --- of any mapping ------------------------------------------------------------------------------------------------------------


def needed(key: str) -> Rule:
    """The key must be there, and not be empty."""

    def rule(part: Part) -> Iterator[Wrong]:
        if not part.get(key):
            yield key, f"the key {quoted(key)} is missing"

    return rule


def one_of(*keys: str) -> Rule:
    """At least one of the keys must be there."""

    def rule(part: Part) -> Iterator[Wrong]:
        if not any(part.get(key) for key in keys):
            yield "", f"one of the keys {', '.join(keys)} is missing"

    return rule


def at_most_one(*keys: str) -> Rule:
    """No two of the keys may be there."""

    def rule(part: Part) -> Iterator[Wrong]:
        given = [key for key in keys if part.get(key)]
        if len(given) > 1:
            yield given[1], f"{' and '.join(given)} say the same thing: leave out one of them"

    return rule


def among(key: str, *words: str) -> Rule:
    """The key has one of these values, or none."""

    def rule(part: Part) -> Iterator[Wrong]:
        if part.text(key) and part.text(key) not in words:
            yield key, f"{quoted(part.text(key))} is none of {', '.join(words)}"

    return rule


def some_time(key: str) -> Rule:
    """A duration that is there is not zero."""

    def rule(part: Part) -> Iterator[Wrong]:
        if part.get(key) == timedelta(0):
            yield key, f"{key} is zero"

    return rule


# --- of clients ----------------------------------------------------------------------------------------------------------------


def no_basic_authorization(part: Part) -> Iterator[Wrong]:
    """Basic authentication has a key of its own."""
    if part.text("type").strip().lower() == "basic":
        yield "type", "the type basic is written as basic_auth"


def one_way_to_authorize(part: Part) -> Iterator[Wrong]:
    """Of the ways to say who asks there may be one."""
    given = [key for key in ("basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file") if key in part]
    given = [key for key in given if part.get(key)]
    if len(given) > 1:
        yield given[1], f"{' and '.join(given)} say the same thing: leave out one of them"


def proxy_for_its_headers(part: Part) -> Iterator[Wrong]:
    """Headers for a proxy need a proxy."""
    if part.get("proxy_connect_header") and not part.text("proxy_url"):
        yield "proxy_connect_header", "proxy_connect_header needs proxy_url"


# --- of receivers --------------------------------------------------------------------------------------------------------------


def headers_once(part: Part) -> Iterator[Wrong]:
    """Headers of a mail differ in more than small and capital letters."""
    names = [name.lower() for name in part.get("headers", {})]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield "headers", f"the header {quoted(name)} stands here twice"


def responder(part: Part) -> Iterator[Wrong]:
    """Opsgenie's types of responders; a template may give one."""
    kind = part.text("type")
    if "{{" not in kind and kind.lower() not in _RESPONDERS:
        yield "type", f"{quoted(kind)} is none of {', '.join(_RESPONDERS)}"


def own_fields(part: Part) -> Iterator[Wrong]:
    """VictorOps' own fields cannot be custom ones."""
    for name in part.get("custom_fields", {}):
        if name in _OWN:
            yield "custom_fields", f"the custom field {quoted(name)} is one of VictorOps' own"


def both_keys(part: Part) -> Iterator[Wrong]:
    """AWS' access key and secret key go together."""
    if bool(part.text("access_key")) is not bool(part.text("secret_key")):
        yield "", "access_key and secret_key belong together"


def one_destination(part: Part) -> Iterator[Wrong]:
    """SNS sends to one thing. (Three are one too many, and Alertmanager takes them.)"""
    given = [key for key in ("target_arn", "topic_arn", "phone_number") if part.text(key)]
    if len(given) in (0, 2):
        yield "", "write one of target_arn, topic_arn and phone_number"


def authorized(part: Part) -> Iterator[Wrong]:
    """Webex wants a token."""
    client = part.part("http_config")
    if not any(key in client for key in ("authorization", "bearer_token", "bearer_token_file")):
        yield "http_config", "http_config.authorization is missing"


# --- of routes and times -------------------------------------------------------------------------------------------------------


def grouping(part: Part) -> Iterator[Wrong]:
    """Labels stand once, and not beside all of them."""
    labels = part.all("group_by")
    others = [label for label in labels if label != "..."]
    if len(others) not in (0, len(labels)):
        yield "group_by", "... means all labels, and others stand beside it"
    for label in sorted({label for label in others if others.count(label) > 1}):
        yield "group_by", f"the label {quoted(label)} stands here twice"


def times(part: Part) -> Iterator[Wrong]:
    """A span of the day."""
    start, end = part.text("start_time"), part.text("end_time")
    if not start or not end:
        yield "", "start_time and end_time belong together"
        return
    try:
        read_times(start, end)
    except ValueError as error:
        yield "start_time", str(error)


# --- of the whole file ---------------------------------------------------------------------------------------------------------


def _root(part: Part) -> Iterator[Wrong]:
    if "route" not in part:
        yield "", 'the key "route" is missing'
        return
    root = part.part("route")
    if not root.text("receiver"):
        yield "route", "the root route names no receiver"
    if any(root.get(key) for key in ("match", "match_re", "matchers")):
        yield "route", "the root route has matchers, and every alert must fit it"
    for key in ("mute_time_intervals", "active_time_intervals", "continue"):
        if root.get(key):
            yield key, f"the root route cannot have {key}", root


def _unique(part: Part) -> Iterator[Wrong]:
    for keys, what in ((("receivers",), "receivers"), (("mute_time_intervals", "time_intervals"), "time intervals")):
        known: set[str] = set()
        for one in (one for key in keys for one in part.all(key)):
            name = one.text("name")
            if name in known:
                yield "name", f"two {what} are called {quoted(name)}", one
            known.add(name)


def _defined(part: Part) -> Iterator[Wrong]:
    receivers = {receiver.text("name") for receiver in part.all("receivers")}
    intervals = {one.text("name") for key in ("mute_time_intervals", "time_intervals") for one in part.all(key)}
    for route in routes_in(part.part("route")):
        name = route.text("receiver")
        if name and name not in receivers:
            yield "receiver", f"{quoted(name)} is none of the receivers", route
        named = [(key, name) for key in ("mute_time_intervals", "active_time_intervals") for name in route.all(key)]
        yield from ((key, f"{quoted(name)} is none of the time intervals", route) for key, name in named if name not in intervals)


def routes_in(route: Part) -> Iterator[Part]:
    """A route and all below it."""
    yield route
    for child in route.all("routes"):
        yield from routes_in(child)


Default = tuple[Sequence[str], Sequence[str], str]
"""Keys of which a receiver needs one, keys of ``global`` that can stand for them, and what is said where neither is there."""

_DEFAULTS: Mapping[str, Sequence[Default]] = {
    "email": ((("smarthost",), ("smtp_smarthost",), "no smarthost"), (("from",), ("smtp_from",), "no from")),
    "slack": ((("api_url", "api_url_file"), ("slack_api_url", "slack_api_url_file"), "no api_url"),),
    "opsgenie": ((("api_key", "api_key_file"), ("opsgenie_api_key", "opsgenie_api_key_file"), "no api_key"),),
    "victorops": ((("api_key", "api_key_file"), ("victorops_api_key", "victorops_api_key_file"), "no api_key"),),
    "wechat": (
        (("api_secret",), ("wechat_api_secret",), "no api_secret"),
        (("corp_id",), ("wechat_api_corp_id",), "no corp_id"),
    ),
}
"""By kind of receiver."""


def _from_global(part: Part) -> Iterator[Wrong]:
    for receiver in part.all("receivers"):
        name = quoted(receiver.text("name"))
        for kind, wishes in _DEFAULTS.items():
            for one in receiver.all(f"{kind}_configs"):
                yield from ((key, f"{name} {lack}", place) for key, lack, place in _lacking(one, part.part("global"), wishes))


def _lacking(one: Part, shared: Part, wishes: Sequence[Default]) -> Iterator[tuple[str, str, Part]]:
    for own, general, lack in wishes:
        if not any(one.get(key) for key in own) and not any(shared.get(key) for key in general):
            yield "", f"has {lack} here, and global has no {general[0]}", one


OF_THE_FILE: Sequence[Rule] = (_root, _unique, _defined, _from_global)
