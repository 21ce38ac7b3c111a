"""What every file of an import must be, whatever the manual held: plain YAML, runbooks without forged attributes, a page without markup.

Each function gives what is wrong, as sentences; nothing is wrong where it gives none.
"""

import ipaddress
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import yaml
from markdown_it import MarkdownIt

SECTIONS = frozenset((
    "keepwell", "service", "contacts", "targets", "checks", "rules", "windows", "tasks", "backups", "repositories", "objectives", "logs",
    "incidents",
))  # fmt: skip
FRONT_MATTER = frozenset(("title", "source", "lines", "every", "environment", "secrets"))
ATTRIBUTES = frozenset(("name", "line", "operation", "disposition", "rule", "missing", "asks"))
KINDS = frozenset((
    "http", "tcp", "tls", "host", "process", "command", "systemd", "docker", "kubernetes", "redis", "postgres", "dns", "file", "updates",
    "prometheus", "alertmanager",
))  # fmt: skip
TAGS = frozenset((
    "html", "head", "meta", "title", "style", "script", "body", "header", "main", "footer", "section", "nav", "h1", "h2", "h3", "p", "ul",
    "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "span", "div", "code", "pre", "del",
    "ins", "form", "label", "input", "select", "option", "button", "output", "details", "summary", "strong", "em", "b", "small", "br", "a",
    "fieldset", "legend", "colgroup", "col", "time", "article", "noscript",
))  # fmt: skip
_NAME = re.compile(r"(?:keepwell\.yaml|import-report\.json|import-report\.html|runbooks|runbooks/[a-z0-9][a-z0-9-]{0,60}\.md)")
_METADATA = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "::ffff:169.254.0.0/112")))
_METADATA_NAMES = frozenset(("metadata.google.internal", "metadata", "instance-data"))


def unexpected_name(name: str) -> bool:
    """Whether a file of this name (below the operations directory) has no business there."""
    return not _NAME.fullmatch(name)


def wrong_in_configuration(text: str) -> Iterator[str]:
    """What is wrong in a keepwell.yaml."""
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            yield "it has an anchor or alias"
        if tag := getattr(event, "tag", None):
            yield f"it has the tag {tag}"
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    yield from _repeated(root)
    value = yaml.safe_load(text)
    yield from _not_plain(value)
    if not isinstance(value, dict):
        yield "it is no mapping"
        return
    yield from (f"it has the section {key}" for key in value.keys() - SECTIONS)
    yield from (f"line {number} has control characters" for number, line in enumerate(text.split("\n"), 1) if not line.isprintable())
    for name, check in value.get("checks", {}).items():
        yield from (f"check {name} has {key}" for key in check.keys() - KINDS - {"every", "timeout"})
        if isinstance(check.get("command"), dict) and "shell" in check["command"]:
            yield f"check {name} hands text to a shell"
        if "kubeconfig" in check.get("kubernetes", {}):
            yield f"check {name} believes a file that may start programs"
    addresses = [target.get("url", "") for target in value.get("targets", {}).values()]
    settings = [check.get(kind, {}) for check in value.get("checks", {}).values() for kind in KINDS]
    addresses += [one.get("url", "") for one in settings]
    addresses += [re.sub("^rediss?:", "http:", one["address"]) for one in settings if "://" in one.get("address", "")]
    yield from (f"it asks {address}" for address in addresses if address and not harmless_address(address))


def _repeated(node: Any) -> Iterator[str]:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        yield from (f"the key {key} stands twice" for key in {key for key in keys if keys.count(key) > 1})
        for _, value in node.value:
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)


def _not_plain(value: Any) -> Iterator[str]:
    match value:
        case dict():
            yield from (f"the key {key!r} is no text" for key in value if not isinstance(key, str))
            for inner in value.values():
                yield from _not_plain(inner)
        case list():
            for inner in value:
                yield from _not_plain(inner)
        case str() | int() | float() | None:
            pass
        case _:
            yield f"{value!r} is neither text nor a number"


def harmless_address(address: str) -> bool:
    """Whether an address is one of HTTP, without credentials, and not one at which clouds give out theirs."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or parts.password or parts.username or host.rstrip(".").lower() in _METADATA_NAMES:
        return False
    found = _as_address(host)
    return found is None or not any(found.version == network.version and found in network for network in _METADATA)


def _as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a resolver takes the host for: also one number, hexadecimal and octal parts (inet_aton(3))."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    parts = host.split(".")
    try:
        numbers = [int(part, 16 if part[:2].lower() == "0x" else 8 if part[:1] == "0" and part != "0" else 10) for part in parts]
    except ValueError:
        return None
    whole = sum(number << 8 * (3 - at) for at, number in enumerate(numbers[:-1])) + numbers[-1]
    return ipaddress.ip_address(whole) if len(parts) <= 4 and 0 <= whole < 2**32 else None


def wrong_in_runbook(text: str) -> Iterator[str]:
    """What is wrong in a runbook."""
    head, _, body = text.removeprefix("---\n").partition("\n---\n")
    if not text.startswith("---\n"):
        yield "it has no front matter"
        return
    front = yaml.safe_load(head)
    yield from (f"its front matter has {key}" for key in front.keys() - FRONT_MATTER)
    yield from _not_plain(front)
    lines = enumerate(text.split("\n"), 1)
    yield from (f"line {number} has control characters" for number, line in lines if not line.replace("\t", "").isprintable())
    for token in MarkdownIt("commonmark").disable("inline").parse(body):
        if token.type == "fence":
            yield from _wrong_attributes(token.info)


def _wrong_attributes(info: str) -> Iterator[str]:
    language, space, attributes = info.partition(" ")
    if not re.fullmatch(r"[A-Za-z0-9_+-]{0,20}", language):
        yield f"a fence has the language {language!r}"
    if not space:
        return
    try:
        found = json.loads(attributes)
    except ValueError:
        yield f"a fence has the attributes {attributes[:80]!r}"
        return
    yield from (f"a fence has the attribute {key}" for key in found.keys() - ATTRIBUTES)
    yield from (f"the attribute {key} is no text" for key, value in found.items() if not isinstance(value, str))
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,60}", found.get("name", "")) or found["name"] == "forged":
        yield f"a step is called {found.get('name')!r}"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.scripts = 0
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        if tag not in TAGS:
            self.wrong.append(f"it has <{tag}>")
        if tag == "meta" and dict(attrs).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attrs).get("content") or ""
        for name, value in attrs:
            outside = name in ("src", "href", "action", "formaction", "srcdoc") and not (value or "").startswith("#")
            if name.startswith("on") or outside or name == "style":
                self.wrong.append(f"<{tag}> has {name}={value!r}")


def wrong_in_page(text: str) -> Iterator[str]:
    """What is wrong in the report's page."""
    page = _Page()
    page.feed(text)
    page.close()
    yield from page.wrong
    if page.scripts > 1:
        yield f"it has {page.scripts} scripts"
    if not page.policy.startswith("default-src 'none'"):
        yield "it has no policy"
