"""Which routes an alert takes, and with which others it is grouped (alertmanager/dispatch/route.go)."""

from collections.abc import Sequence
from hashlib import sha256

from keepwell.rooms.alerts.model import Labels

from .model import Route


def routes_of(root: Route, labels: Labels) -> Sequence[Route]:
    """The routes that an alert with these labels takes: depth first, the first that fits, and those after it where it says ``continue``.

    A route without receiver tells nobody, so nothing takes it.
    """
    taken = _taken(root, labels) if root.fits(labels) else []
    return [one for route in taken if route.receiver for one in (route, *route.twins)]


def group_labels(route: Route, labels: Labels) -> Labels:
    """The labels by which the alert is grouped there, with its values; those that it lacks are left out."""
    if route.group_by is None:
        return dict(labels)
    return {label: labels[label] for label in route.group_by if label in labels}


def group_key(route: Route, labels: Labels) -> str:
    """Alertmanager's text for a group, as its webhook has it in ``groupKey``: the route's key and the group's labels."""
    return f"{route.key}:{_written(labels)}"


def group_digest(route: Route, labels: Labels) -> str:
    """What names the group and no other: that of the key, unless another route has the same key."""
    return sha256(f"{route.path}:{_written(labels)}".encode()).hexdigest()


def _taken(route: Route, labels: Labels) -> list[Route]:
    taken: list[Route] = []
    for child in route.routes:
        if child.fits(labels):
            taken += _taken(child, labels)
            if not child.goes_on:
                break
    return taken or [route]


def _written(labels: Labels) -> str:
    return "{" + ", ".join(f"{name}={_in_quotes(value)}" for name, value in sorted(labels.items())) + "}"


def _in_quotes(text: str) -> str:
    """As Go's ``%q`` writes it."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"'}


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
