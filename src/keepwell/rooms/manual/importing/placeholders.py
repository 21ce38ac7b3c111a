"""What stands in a text for something that nobody supplied: host names to replace, blanks, variables that nothing sets. Pure.

Names under example.* and the top-level domains example and invalid belong to nobody (RFC 2606, RFC 6761).
"""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.reading.variables import NAME, given_by_the_system, set_in_scripts

from .forms import DOMAIN
from .model import Missing, View, Wanting

_DOMAIN = re.compile(
    r"(?<![\w-])(?:[\w-]+\.)*((?:your|my)[-_]?(?:domain|host|server|site|company|service|app|org|cluster|bucket)(?:\.[a-z]{2,})+|company\.com"
    r"|domain\.com|example\.(?:com|org|net|edu)|[\w-]+\.(?:example|invalid))(?![\w-])",
    re.IGNORECASE,
)
_WEBHOOK = re.compile(r"https?://[^\s\"']*(?:YOUR|XXX|CHANGE_?ME)[^\s\"']*")
_BLANK = re.compile(r"<([A-Za-z][\w.:/ -]{0,40})>|(?<![\w$#%{])\{([a-z][\w-]{1,40})\}(?![\w}])|\{\{\s*([a-z_]\w{1,40})\s*\}\}")
_FILL_IN = re.compile(
    r"(?<![\w$./{-])((?:YOUR|MY|OLD|NEW|SUSPICIOUS|ATTACKER|EXAMPLE|SOME)_[A-Z][A-Z0-9_]*|[A-Z]+_SID|CHANGE_?ME|X{3,}|YOUR[-_]\w+|your-[a-z]+(?:-[a-z]+)*"
    r"(?:-here)?)(?![\w=./-])"
)
_PATH = re.compile(r"/?path/to/[\w./-]+")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_SECRET = re.compile(
    r"KEY(?!_?ID\b|S?PACE)|TOKEN|SECRET|PASS(?:WORD|WD|PHRASE)?\b|AUTH|CREDENTIAL|WEBHOOK|(?:REDIS|DATABASE|DB|POSTGRES|AMQP|MONGO)\w*_(?:URL|URI|DSN)"
)
_FORMS = ((r"_(?:URL|URI)$", "url"), (r"(?:HOST|DOMAIN|SERVER)(?:NAME)?$", "host"), (r"(?:DIR|PATH|FILE)$", "path"), (r"MAIL$", "email"))
_NO_TAGS = frozenset(
    re.findall(r"\w+", "a b i p br hr div span code pre img table tr td th ul ol li em strong sub sup details summary eof")
)


def missing_in(view: View, text: str | None = None) -> tuple[Missing, ...]:
    """What a text (by default the item's own) leaves to be filled in, each once; without what ``view.values`` has."""
    found = {missing.name: missing for missing in _all(view, view.item.text if text is None else text)}
    return tuple(missing for name, missing in found.items() if name not in view.values)


def _all(view: View, text: str) -> Iterator[Missing]:
    hooks = [match[0] for match in _WEBHOOK.finditer(text)]
    for written in hooks:
        name = _variable_of(view, written) or "WEBHOOK_URL"
        yield Missing(name, Wanting.SECRET, written, f"The address that {written} stands for", "url")
        text = text.replace(written, " ")
    for match in _DOMAIN.finditer(text):
        email = text[: match.start()].endswith("@") or text[max(0, match.start() - 1)] == "@"
        domain = match[1].lower()
        what = "mail domain" if email else "host name"
        form = "host" if match[0].lower() == domain else DOMAIN  # there is no www.10.0.0.1
        yield Missing(_name(domain), Wanting.VALUE, match[1], f"The {what} that {domain} stands for", form)
    for match in _PATH.finditer(text):
        yield Missing(_name(match[0]), Wanting.VALUE, match[0], f"The path that {match[0]} stands for", "path")
    yield from _blanks(text)
    if view.script is not None:
        yield from _variables(view, text)


def _variable_of(view: View, written: str) -> str:
    """The variable that holds it in the script, so that it has one name wherever it is used."""
    assignments = view.script.assignments if view.script else ()
    return next((part.name for part in assignments if part.value is not None and written in part.value.filled), "")


def _blanks(text: str) -> Iterator[Missing]:
    for match in _BLANK.finditer(text):
        inner = next(group for group in match.groups() if group)
        if inner.lower() not in _NO_TAGS and not inner.lower().startswith(("http:", "https:")):
            yield Missing(_name(inner), Wanting.ARGUMENT, match[0], f"What {match[0]} is this time", "word")
    for match in _FILL_IN.finditer(text):
        yield Missing(_name(match[1]), Wanting.ARGUMENT, match[1], f"What {match[1]} is this time", "word")


def _variables(view: View, text: str) -> Iterator[Missing]:
    for match in _VARIABLE.finditer(text):
        name = match[1] or match[2]
        if NAME.fullmatch(name) and not given_by_the_system(name) and name not in set_in_scripts(view.manual):
            secret = bool(_SECRET.search(name))
            form = next((form for pattern, form in _FORMS if re.search(pattern, name)), "text" if secret else "word")
            yield Missing(
                name,
                Wanting.SECRET if secret else Wanting.VALUE,
                f"${name}",
                f"The value of ${name}, which nothing in the manual sets",
                form,
            )


def _name(written: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", written.upper()).strip("_")[:60]
