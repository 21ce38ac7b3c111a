"""Relabelling: rules that rewrite labels, or drop what carries them (Prometheus, "Configuration", "relabel_config").

Regular expressions are RE2, match the whole text, and ``.`` matches a line's end too. In ``target_label`` and ``replacement`` ``$1``,
``${1}``, ``$name`` and ``${name}`` stand for groups, ``$$`` for a dollar (Go, regexp.Expand).
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

Action = Literal[
    "replace",
    "keep",
    "drop",
    "keepequal",
    "dropequal",
    "hashmod",
    "labelmap",
    "labeldrop",
    "labelkeep",
    "lowercase",
    "uppercase",
]

ANYTHING = "(.*)"
FIRST = "$1"
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_REFERENCE = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)\})")
_NUMBERED = re.compile(r"0|[1-9][0-9]{0,7}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One step. Fields and their defaults are Prometheus'."""

    action: Action = "replace"
    source_labels: tuple[str, ...] = ()
    separator: str = ";"
    regex: str = ANYTHING
    target_label: str = ""
    replacement: str = FIRST
    modulus: int = 0
    pattern: Any = field(init=False, repr=False, compare=False)
    """``regex`` compiled by RE2."""

    def __post_init__(self) -> None:
        """Raises ValueError where ``regex`` is none of RE2."""
        object.__setattr__(self, "pattern", _compiled(self.regex))


def relabelled(labels: Mapping[str, str], rules: Sequence[Rule]) -> dict[str, str] | None:
    """The labels after all rules, in order; None where one of them drops what carries the labels. No label has an empty value."""
    current = {name: value for name, value in labels.items() if value}
    for rule in rules:
        text = rule.separator.join(current.get(name, "") for name in rule.source_labels)
        if not _ACTIONS[rule.action](rule, current, text):
            return None
    return current


def is_label_name(text: str) -> bool:
    """Whether a label can be called that (Prometheus, "Data model")."""
    return _NAME.fullmatch(text) is not None


def is_template_of_name(text: str) -> bool:
    """Whether a text with references to groups can become a label's name."""
    return is_label_name(_REFERENCE.sub("_", text))


def _put(labels: dict[str, str], name: str, value: str) -> None:
    """A label with an empty value is none."""
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _replace(rule: Rule, labels: dict[str, str], text: str) -> bool:
    found = rule.pattern.fullmatch(text)
    if found is not None and is_label_name(target := _filled(rule.target_label, found, rule.pattern)):
        _put(labels, target, _filled(rule.replacement, found, rule.pattern))
    return True


def _hashmod(rule: Rule, labels: dict[str, str], text: str) -> bool:
    """Of MD5 the last eight bytes count."""
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    _put(labels, rule.target_label, str(int.from_bytes(digest[8:]) % rule.modulus))
    return True


def _labelmap(rule: Rule, labels: dict[str, str], text: str) -> bool:
    for name, value in sorted(labels.items()):
        found = rule.pattern.fullmatch(name)
        if found is not None:
            _put(labels, _filled(rule.replacement, found, rule.pattern), value)
    return True


def _drop_labels(labels: dict[str, str], wanted: Callable[[str], bool]) -> bool:
    for name in [name for name in labels if not wanted(name)]:
        del labels[name]
    return True


def _lower(rule: Rule, labels: dict[str, str], text: str) -> bool:
    _put(labels, rule.target_label, "".join(map(_lower_letter, text)))
    return True


def _upper(rule: Rule, labels: dict[str, str], text: str) -> bool:
    _put(labels, rule.target_label, "".join(map(_upper_letter, text)))
    return True


def _lower_letter(letter: str) -> str:
    """Letter by letter, as Go does it: what would become two letters stays."""
    changed = letter.lower()
    return changed if len(changed) == 1 else letter


def _upper_letter(letter: str) -> str:
    changed = letter.upper()
    return changed if len(changed) == 1 else letter


_ACTIONS: Mapping[Action, Callable[[Rule, dict[str, str], str], bool]] = {
    "replace": _replace,
    "keep": lambda rule, labels, text: rule.pattern.fullmatch(text) is not None,
    "drop": lambda rule, labels, text: rule.pattern.fullmatch(text) is None,
    "keepequal": lambda rule, labels, text: labels.get(rule.target_label, "") == text,
    "dropequal": lambda rule, labels, text: labels.get(rule.target_label, "") != text,
    "hashmod": _hashmod,
    "labelmap": _labelmap,
    "labeldrop": lambda rule, labels, text: _drop_labels(labels, lambda name: rule.pattern.fullmatch(name) is None),
    "labelkeep": lambda rule, labels, text: _drop_labels(labels, lambda name: rule.pattern.fullmatch(name) is not None),
    "lowercase": _lower,
    "uppercase": _upper,
}
"""What each action does; False where what carries the labels is dropped."""


def _filled(template: str, found: Any, pattern: Any) -> str:
    """The template with the groups of a match; a group that does not exist or did not match is empty."""
    if "$" not in template:
        return template

    def group(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        name = match[2] or match[3]
        number = int(name) if _NUMBERED.fullmatch(name) else pattern.groupindex.get(name, -1)
        return (found.group(number) or "") if 0 <= number <= pattern.groups else ""

    return _REFERENCE.sub(group, template)


@lru_cache(maxsize=512)
def _compiled(regex: str) -> Any:
    import re2  # only where something is relabelled

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(regex, options=options)
        return re2.compile(f"(?s:{regex})", options=options)
    except re2.error as error:
        why = error.args[0] if error.args else ""
        said = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        raise ValueError(f"the regular expression cannot be used (RE2): {said}") from None
