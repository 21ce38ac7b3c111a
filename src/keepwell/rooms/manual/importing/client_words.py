"""The words of clients of databases, stores and archives: filled in as far as the manual goes, and made a check's command. Pure."""

import re
from collections.abc import Iterable, Mapping
from shlex import quote
from typing import Any

from keepwell.rooms.manual.reading.shell_model import ShellCommand, Word

from .model import Missing, View, Wanting
from .placeholders import missing_in

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_DEEPEST = 4
_LONGEST = 2_000
"""What is filled in goes no further than this: values of values could grow without end."""
_HARMLESS = frozenset(("date", "basename", "dirname", "hostname", "pwd", "whoami"))
_PASSWORD_IN_URL = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_SECRET_NAME = re.compile(r"PASS|TOKEN|SECRET|AUTH|_PWD$")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_SECRET = "secret:"
_PLAIN = re.compile(r"[\w /:,=%-]{1,200}")
"""A pattern that means itself."""
WRAPPERS = frozenset(
    (
        *(
            "sudo",
            "doas",
            "env",
            "timeout",
            "nice",
            "ionice",
            "gosu",
            "runuser",
            "docker exec",
            "docker compose exec",
            "docker-compose exec",
        ),
        *("podman exec", "podman compose exec", "kubectl exec", "oc exec", "oc rsh"),
    )
)
"""Wrappers whose words mean the same without a shell. Those of ssh are read by another one at the other end."""
_TERMINAL = frozenset(("-i", "-t", "-it", "-ti"))


def spine(view: View) -> tuple[ShellCommand, ...]:
    """The commands of the item's own pipeline, without those that stand in their words."""
    return view.pipeline[0].pipeline if view.pipeline else ()


def first_named(view: View, *names: str) -> ShellCommand | None:
    """The first command of the item that is one of these programs."""
    return next((command for command in view.pipeline if command.name in names), None)


def written(view: View, word: Word) -> str:
    """A word with everything filled in that the manual says of its variables: what only a run can tell stays as ``$NAME`` or ``$(...)``."""
    if word.text is not None:
        return word.text
    text = word.filled
    for _ in range(_DEEPEST):
        changed = _VARIABLE.sub(lambda match: _value(view, match[1] or match[2], match[0]), text)
        if changed == text or len(changed) > _LONGEST:
            break
        text = changed
    return text


def _value(view: View, name: str, otherwise: str) -> str:
    if name in view.values:
        return otherwise if view.values[name].startswith(_SECRET) else view.values[name]
    found = [part.value for part in view.script.assigned(name) if part.value and not part.prefix] if view.script else []
    known = len(found) == 1 and f"${name}" not in found[0].filled and len(found[0].filled) <= _LONGEST
    return found[0].filled.strip("\"'") if known else otherwise


def certain(view: View, word: Word) -> str | None:
    """A word's text where it is certain without running; None where only a run can tell."""
    text = written(view, word)
    return text if word.text is not None or not ("$" in text or "`" in text) else None


def run_of(view: View, command: ShellCommand) -> Mapping[str, Any] | None:
    """How a check of kind ``command`` runs it: ``run`` with its words, wrappers first, as a program is started without a terminal.

    A variable that is a secret stays one: then it is ``shell`` with ``secrets``. None where a word is not certain, or holds a password.
    """
    words = [*command.wrapper_words, *command.words]
    texts = [certain(view, word) for word in words]
    before = _secrets_before(command)
    if before is None or not WRAPPERS.issuperset(command.wrappers) or any(_ASSIGNMENT.match(word.filled) for word in command.wrapper_words):
        return None
    if any(word.glob for word in command.arguments) or any(_PASSWORD_IN_URL.search(text or "") for text in texts):
        return None
    if None not in texts:
        return {
            "run": without_terminal(command, [text for text in texts if text is not None], len(command.wrapper_words)),
            **_as_secrets(before),
        }
    named = {name: name for word, text in zip(words, texts, strict=True) if text is None for name in word.variables}
    if not all(view.values.get(name, "").startswith(_SECRET) for name in named) or any(word.has_substitution for word in words):
        return None
    shown = [quote(text) if text is not None else f'"{written(view, word)}"' for word, text in zip(words, texts, strict=True)]
    return {"shell": " ".join(shown), **_as_secrets({**before, **named})}


def filled_secret(view: View, word: Word) -> str:
    """The reference to a secret that was filled in for the variable which a word is; empty where it is none, or none was filled in."""
    name = word.variables[0] if len(word.variables) == 1 else ""
    value = view.values.get(name, "")
    return value if value.startswith(_SECRET) and word.filled.strip("\"'") in (f"${name}", f"${{{name}}}") else ""


def _as_secrets(names: Mapping[str, str]) -> Mapping[str, Any]:
    return {"secrets": {variable: f"{_SECRET}{name}" for variable, name in names.items()}} if names else {}


def _secrets_before(command: ShellCommand) -> dict[str, str] | None:
    """``PGPASSWORD=... psql``: the variables set for the command alone, each with the name of its secret; None where one is no secret."""
    found: dict[str, str] = {}
    for part in command.assignments:
        if not part.value or not _SECRET_NAME.search(part.name):
            return None
        found[part.name] = part.value.variables[0] if len(part.value.variables) == 1 else part.name
    return found


def without_terminal(command: ShellCommand, words: list[str], wrapped: int) -> list[str]:
    """A command's words, the first ``wrapped`` of them its wrappers', as they are started where nobody sits: without -T, compose asks for a
    terminal, which a check has not; -it asks docker and kubectl for one."""
    if not any(name.endswith(" exec") for name in command.wrappers):
        return words
    head = [word for word in words[:wrapped] if word not in _TERMINAL]
    if any("compose" in name for name in command.wrappers) and "-T" not in head:
        head.insert(head.index("exec") + 1, "-T")
    return [*head, *words[wrapped:]]


def wanting(view: View) -> tuple[Missing, ...]:
    """What the item leaves to be filled in once: what is asked anew at each run is no part of it."""
    return tuple(missing for missing in missing_in(view) if missing.wanting in (Wanting.VALUE, Wanting.SECRET))


def options(text: str) -> frozenset[str]:
    """The options that a text lists, with spaces between them."""
    return frozenset(text.split())


def only(command: ShellCommand, allowed: Iterable[str]) -> bool:
    """Whether every option of a command is among these (a number, ``-20``, is always)."""
    known = frozenset(allowed)
    return all(flag in known or re.fullmatch(r"-\d+", flag) for flag in command.flags)


def plain_words(view: View) -> bool:
    """Whether what stands in the words of the item's commands only makes names: a date, a part of a path."""
    own = spine(view)
    return all(command.name in _HARMLESS for command in view.pipeline if command not in own)


def said_near(view: View, before: int = 3) -> str:
    """The comment, the titles and the lines just above an item, in small letters."""
    return f"{view.comment.lower()} {view.manual.words_near(view.item.line, before)}"


def expected_of(view: View, command: ShellCommand) -> Mapping[str, Any] | None:
    """What the rest of a pipeline says of the answer: nothing where there is no rest; text that must be in it of ``| grep -q text``.

    None where the rest is more than that.
    """
    rest = command.pipeline[command.position + 1 :]
    if command.position or len(rest) > 1:
        return None
    if not rest:
        return {}
    other = rest[0]
    pattern = certain(view, other.operands[0]) if other.name == "grep" and len(other.operands) == 1 else None
    quiet = other.has_flag("-q", "--quiet") or any(part.discards for part in other.redirections)
    if not pattern or not quiet or not only(other, ("-q", "-F", "-E", "--quiet")) or not _PLAIN.fullmatch(pattern):
        return None
    # ``if ... | grep -q stuck; then`` may as well look for what should not be there.
    if other.status.how == "condition" and not other.negated and pattern != "accepting connections":
        return None
    return {"expect": {"output_contains": pattern}}
