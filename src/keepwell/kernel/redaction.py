"""Keeps secrets out of texts: the values that are known, in the forms in which they leak, and shapes that are known to hold one.

Both ways take time in proportion to the text. What they replace reads ``[redacted]``. A secret that was transformed otherwise (hashed,
compressed, cut in two by the output limit) is not found.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

REDACTED = "[redacted]"

_SHORT = 4
"""Secrets with fewer characters are replaced only as whole words: elsewhere they would stand in half the text."""
_LINE = 8
"""Lines of a secret with several (a PEM key) are secrets of their own from this length on."""
_CORE = 8
"""Base64 of a longer text in which the secret stands is recognised by its inner part, from this length on."""


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Redactor:
    """Replaces known secrets in texts: as they are, in Base64 (also inside a longer encoded text, as in HTTP's Basic credentials), quoted
    for URLs, and escaped for JSON. Where several overlap, everything that any of them covers goes."""

    _forms: tuple[tuple[str, bool], ...]
    """Each form, longest first, and whether it counts only as a whole word."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms: dict[str, bool] = {}
        for secret in {part for value in secrets for part in _parts(value)}:
            whole_word = len(secret) < _SHORT
            for form in _forms(secret):
                forms[form] = forms.get(form, True) and whole_word
        object.__setattr__(self, "_forms", tuple(sorted(forms.items(), key=lambda item: (-len(item[0]), item[0]))))

    def __repr__(self) -> str:
        return f"Redactor(<{len(self._forms)} forms>)"

    def redact(self, text: str) -> str:
        """The text with ``[redacted]`` in place of every secret."""
        if not any(form in text for form, _ in self._forms):
            return text
        spans = sorted(span for form, whole_word in self._forms for span in _occurrences(text, form, whole_word))
        kept: list[str] = []
        position = 0
        covered = -1
        for start, end in spans:
            if start > covered:  # neither overlapping nor touching what is replaced already
                kept += (text[position:start], REDACTED)
            covered = max(covered, end)
            position = covered
        return "".join((*kept, text[position:]))


def _parts(value: str) -> Iterator[str]:
    """The secret, the same without space around it (files end with a line break), and its longer lines."""
    bare = value.strip()
    if not bare:
        return
    yield value
    yield bare
    yield from (line.strip() for line in bare.splitlines() if len(line.strip()) >= _LINE)


def _forms(secret: str) -> Iterator[str]:
    data = secret.encode("utf-8", "surrogatepass")
    yield secret
    yield quote(data, safe="")
    yield quote(data)
    yield quote_plus(data)
    yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), quote(data, safe=""))
    for ascii_only in (True, False):
        escaped = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("/", "\\/")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        encoded = encode(data).decode("ascii")
        yield encoded
        if len(data) >= _SHORT:
            yield encoded.rstrip("=")
        for lead in (0, 1, 2):
            yield from _core(encode(b"\0" * lead + data).decode("ascii"), lead, len(data))


def _core(encoded: str, lead: int, length: int) -> Iterator[str]:
    """The characters that depend on the secret alone when it starts ``lead`` bytes after a boundary of three."""
    start = -(-lead * 8 // 6)
    end = (lead + length) * 8 // 6
    if end - start >= _CORE:
        yield encoded[start:end]


def _occurrences(text: str, form: str, whole_word: bool) -> Iterator[tuple[int, int]]:
    start = text.find(form)
    while start >= 0:
        end = start + len(form)
        if not (whole_word and (_in_word(text[start - 1 : start]) or _in_word(text[end : end + 1]))):
            yield start, end
        start = text.find(form, start + 1)


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


_KEYS = "pass(?:word|wd|phrase)|pwd|secret(?!:[a-zA-Z])|api[_-]?key|access[_-]?key|private[_-]?key|token"  # secret:NAME is our reference
_VALUE = r"""(?!\[redacted\])(?:(")(?:[^"\\\n]|\\.)*("?)|(')[^'\n]*('?)|[^\s"'&;,)}\]]+)"""
_IN_QUOTES = rf"\1\2\4{REDACTED}\3\5"
_FIELD = r"""["']?[ \t]{0,8}[:=][ \t]{0,8}["']?"""
_SCHEMES = "(?:basic|bearer|negotiate|token)[ \t]+"
_SHAPES = (
    # Text encodings of keys, RFC 7468; one that is cut off before its end line is replaced to the end of the text.
    (
        re.compile(r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----).*?(-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)", re.DOTALL),
        rf"\1{REDACTED}\2",
    ),
    # Credentials in HTTP fields, RFC 9110, 11.6.2; Digest goes to the end of the line because its parameters are quoted.
    (re.compile(rf"(authorization{_FIELD})(?:(digest[ \t]+)[^\r\n]+|({_SCHEMES})?[^\r\n\"']+)", re.IGNORECASE), rf"\1\2\3{REDACTED}"),
    (re.compile(rf"(cookie{_FIELD})[^\r\n\"']+", re.IGNORECASE), rf"\1{REDACTED}"),
    # The userinfo of a URL, RFC 3986, 3.2.1: what stands after its first colon. Anchored at "://", so that no run is read twice.
    (re.compile(r"(?<=://)([^\s/:@\"']*:)[^\s/\"']+@"), rf"\1{REDACTED}@"),
    (re.compile(rf"((?:{_KEYS})[\"']?[ \t]{{0,8}}[=:][ \t]{{0,8}}){_VALUE}", re.IGNORECASE), _IN_QUOTES),
    (re.compile(rf"(--(?:{_KEYS})[ \t]{{1,8}}){_VALUE}", re.IGNORECASE), _IN_QUOTES),
    # Tokens that are known by their form: AWS, GitHub, GitLab, Slack, Stripe, Google.
    (
        re.compile(
            r"\b(?:A[KS]IA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|sk_live_[A-Za-z0-9]{16,}"
            r"|AIza[\w-]{35})(?![\w-])|(?<=hooks\.slack\.com/services/)T[A-Z0-9]{7,}/B[A-Z0-9]{7,}/\w{20,}"
        ),
        REDACTED,
    ),
)

_OF_KEYS = ("pass", "pwd", "secret", "key", "token")
_OF_TOKENS = ("akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "xox", "sk_live_", "aiza", "hooks.slack.com")
_NEEDLES = (("-----begin",), ("authorization",), ("cookie",), ("@",), _OF_KEYS, _OF_KEYS, _OF_TOKENS)
"""For each shape the texts of which it needs at least one."""
_ALL_NEEDLES = ("-----begin", "authorization", "cookie", "@", *_OF_KEYS, *_OF_TOKENS)


def redact_patterns(text: str) -> str:
    """The text with ``[redacted]`` in place of what stands where secrets stand: Authorization and Cookie fields, ``password=...`` and its
    kin, the password of a URL, private keys in PEM; and of tokens that are known by their form. It rather replaces too much; known secrets
    are the Redactor's matter."""
    # A plain search is many times quicker than a pattern that finds nothing. (Beyond ASCII IGNORECASE knows letters that lower() does not.)
    lowered = text.lower() if text.isascii() else ""
    if lowered and not _holds(lowered, _ALL_NEEDLES):
        return text
    for (shape, replacement), needles in zip(_SHAPES, _NEEDLES, strict=True):
        if not lowered or _holds(lowered, needles):
            text = shape.sub(replacement, text)
    return text


def _holds(text: str, needles: tuple[str, ...]) -> bool:
    for needle in needles:  # noqa: SIM110 - a generator takes longer than the search
        if needle in text:
            return True
    return False
