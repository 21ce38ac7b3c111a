"""Programs that run another program: what stands behind them is what really runs. Pure."""

import re
from collections.abc import Sequence

from .options import VALUES
from .shell_model import Word

# The wrapper's own operands before the program that it runs.
_SIMPLE = {
    "sudo": 0, "doas": 0, "env": 0, "time": 0, "nohup": 0, "nice": 0, "ionice": 0, "builtin": 0, "exec": 0, "stdbuf": 0, "setsid": 0,
    "chronic": 0, "timeout": 1, "chroot": 1, "flock": 1, "unbuffer": 0, "gosu": 1, "runuser": 0, "command": 0, "noglob": 0,
}  # fmt: skip
_EXEC = frozenset(("-e", "-u", "-w", "--env", "--user", "--workdir", "--index", "--env-file", "--detach-keys"))
_TAKES_VALUE = {"nice": frozenset(("-n",)), "ionice": frozenset(("-c", "-n")), "stdbuf": frozenset(("-i", "-o", "-e")),
                "flock": frozenset(("-w", "-E")), "env": frozenset(("-u", "-C")), "runuser": frozenset(("-u", "-g"))}  # fmt: skip
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def base_name(word: Word) -> str:
    """The program's name without its folder; empty where it is not certain."""
    text = word.text if word.text is not None else (word.filled if "$" not in word.filled and "`" not in word.filled else "")
    return text.rstrip("/").rpartition("/")[2]


def unwrap(words: Sequence[Word]) -> tuple[tuple[str, ...], int]:
    """The wrappers of a command, and how many of its words they take."""
    wrappers: list[str] = []
    at = 0
    while at < len(words):
        name, inner = _one(words, at)
        if not name or inner >= len(words):
            break
        wrappers.append(name)
        at = inner
    return tuple(wrappers), at


def _one(words: Sequence[Word], at: int) -> tuple[str, int]:
    """The wrapper that stands at a place, and where the program that it runs stands."""
    name = base_name(words[at])
    rest = [word.text or "" for word in words[at + 1 : at + 4]]
    if name in _SIMPLE:
        if name == "command" and any(word.startswith(("-v", "-V")) for word in rest[:1]):
            return "", at
        values = _TAKES_VALUE.get(name, VALUES.get(name, frozenset()))
        return name, _behind(words, at + 1, values, _SIMPLE[name])
    if name in ("docker", "podman") and rest[:1] == ["compose"] and rest[1:2] in (["exec"], ["run"]):
        return f"{name} compose {rest[1]}", _behind(words, at + 3, _EXEC, 1)
    if name in ("docker", "podman") and rest[:1] == ["exec"]:
        return f"{name} exec", _behind(words, at + 2, _EXEC, 1)
    if name == "docker-compose":
        return _compose(words, at)
    if name in ("kubectl", "oc") and any(word.text in ("exec", "rsh") for word in words[at + 1 :]):
        return _cluster(words, at, name)
    if name == "ssh":
        inner = _behind(words, at + 1, VALUES["ssh"], 1)
        is_script = inner < len(words) and re.search(r"\s", words[inner].filled)
        return ("", at) if is_script else ("ssh", inner)
    return "", at


def _compose(words: Sequence[Word], at: int) -> tuple[str, int]:
    inner = _behind(words, at + 1, VALUES["docker-compose"], 0)
    verb = words[inner].text if inner < len(words) else ""
    return (f"docker-compose {verb}", _behind(words, inner + 1, _EXEC, 1)) if verb in ("exec", "run") else ("", at)


def _cluster(words: Sequence[Word], at: int, name: str) -> tuple[str, int]:
    """``kubectl exec POD -- program``; the old form without ``--`` has the program behind the pod."""
    dashes = next((number for number in range(at + 1, len(words)) if words[number].text == "--"), None)
    if dashes is not None:
        return f"{name} exec", dashes + 1
    verb = next(number for number in range(at + 1, len(words)) if words[number].text in ("exec", "rsh"))
    return f"{name} {words[verb].text}", _behind(words, verb + 1, VALUES["kubectl"], 1)


def _behind(words: Sequence[Word], at: int, values: frozenset[str], operands: int) -> int:
    """Where the first word stands that is neither an option, nor its value, nor an assignment, nor one of the wrapper's operands."""
    while at < len(words):
        shown = words[at].filled
        if shown == "--":
            at += 1
            break
        if shown.startswith("-") and len(shown) > 1:
            at += 2 if shown in values else 1
        elif _ASSIGNMENT.match(shown):
            at += 1
        elif operands:
            operands -= 1
            at += 1
        else:
            break
    return at
