"""What the rules about secrets share: which names hold one, and which values are only placeholders."""

import re

DUMPS = ("pg_dump", "pg_dumpall", "mysqldump", "mariadb-dump", "mongodump")
"""Programs that write out a whole database."""

SECRET_NAME = re.compile(
    r"(?:^|[._-])(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|secret[_-]?key|private[_-]?key|"
    r"client[_-]?secret|credentials?)$",
    re.IGNORECASE,
)
"""The whole name, or its last part, of a variable or setting that holds a secret."""

KNOWN_TOKEN = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|sk_live_[A-Za-z0-9]{16,}|AIza[\w-]{35})(?![\w-])"
    r"|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----|hooks\.slack\.com/services/T[A-Z0-9]{7,}/B[A-Z0-9]{7,}/\w{20,}"
)
"""Tokens that are known by their form: AWS, GitHub, GitLab, Slack, Stripe, Google, private keys."""

_PLACEHOLDER = re.compile(
    r"your|change|example|placeholder|dummy|sample|replace|insert|redacted|todo|here|xxx|\*\*\*|\.\.\.|…|<|\{|\$|old_|new_|"
    r"^(?:test|secret|password|passwd|pass|token|key|user|admin|none|null|true|false|postgres|root|string|value|foo|bar|abc\w*|1234\w*)\d*$",
    re.IGNORECASE,
)


def is_placeholder(value: str) -> bool:
    """Whether a value only stands for one: a word such as YOUR_TOKEN, changeme, <password>, or an expansion."""
    return not value or bool(_PLACEHOLDER.search(value))


def looks_secret(value: str) -> bool:
    """Whether a value is mixed like a password: 8 characters or more of at least two kinds, no path, address or word."""
    if len(value) < 8 or is_placeholder(value) or re.search(r"\s|^[/~.@]|://", value):
        return False
    kinds = sum(bool(re.search(kind, value)) for kind in (r"[a-z]", r"[A-Z]", r"\d", r"[^\w-]"))
    return kinds >= 2 and bool(re.search(r"\d", value))
