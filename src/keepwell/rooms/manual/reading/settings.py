"""Configuration as flat settings with their lines: yaml, json, ini, toml, systemd units, logrotate, nginx, Dockerfile. Pure."""

import json
import re
from collections.abc import Callable, Iterator, Sequence

from .parts import Setting

_DEEPEST = 50


class NotParsed(Exception):
    """The text is not what it should be: ``reason`` in one sentence, ``line`` of the manual (0: not known)."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


_MOST = 20_000
"""Settings of one fence; a billion-laugh document ends here."""


def _yaml(text: str, first: int, file: str) -> Iterator[Setting]:
    import yaml

    loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.compose_all(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise NotParsed(f"it is not YAML: {error.problem or 'it cannot be read'}", first + mark.line if mark else 0) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise NotParsed(f"it is not YAML: {str(error).splitlines()[0] if str(error) else 'it is nested too deeply'}") from None
    for document in documents:
        yield from _yaml_node(document, first, file)


def _yaml_node(root: object, first: int, file: str) -> Iterator[Setting]:
    import yaml

    waiting: list[tuple[tuple[str, ...], object, int]] = [((), root, 0)]
    count = 0
    while waiting and count < _MOST:
        path, node, line = waiting.pop()
        count += 1
        if isinstance(node, yaml.MappingNode):
            parts = [((*path, str(key.value)[:200]), value, key.start_mark.line) for key, value in node.value]
            waiting.extend(reversed(parts))
        elif isinstance(node, yaml.SequenceNode):
            waiting.extend(reversed([((*path, str(at)), value, value.start_mark.line) for at, value in enumerate(node.value)]))
        elif isinstance(node, yaml.ScalarNode):
            end = node.end_mark.line - (node.end_mark.column == 0 and node.end_mark.line > node.start_mark.line)
            yield Setting(path, node.value, first + line, first + max(line, end), "yaml", file)


_JSON_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|[{}\[\],:]|[^\s{}\[\],:"]+|\s+|.', re.DOTALL)


def _json(text: str, first: int, file: str) -> Iterator[Setting]:
    """A JSON text; comments are left out, and ``...`` where a reader shall think of more."""
    path: list[str] = []
    counters: list[int] = []
    key: str | None = None
    line = first
    expects_key = False
    for match in _JSON_TOKEN.finditer(text):
        token = match[0]
        if token.isspace() or token.startswith(("//", "/*")):
            pass
        elif token in "{[":
            if path or counters:
                _json_enter(path, counters, key)
            counters.append(-1 if token == "{" else 0)
            key, expects_key = None, token == "{"
        elif token in "}]":
            if not counters:
                raise NotParsed(f"it is not JSON: {token} closes nothing", line)
            counters.pop()
            key, expects_key = (path.pop() if path else None), False
        elif token == ",":
            expects_key = bool(counters) and counters[-1] < 0
            if counters and counters[-1] >= 0:
                counters[-1] += 1
            key = None
        elif token == ":":
            expects_key = False
        elif expects_key and token.startswith('"'):
            key = _json_text(token)
        elif counters:
            own = key if counters[-1] < 0 else str(counters[-1])
            if own is not None:
                yield Setting((*path, own), _json_text(token), line, line, "json", file)
        line += token.count("\n")
    if counters:
        raise NotParsed("it is not JSON: a bracket is not closed", line)


def _json_enter(path: list[str], counters: Sequence[int], key: str | None) -> None:
    path.append(key if key is not None else str(max(0, counters[-1])))


def _json_text(token: str) -> str:
    try:
        return str(json.loads(token)) if token.startswith('"') else token
    except ValueError:
        return token.strip('"')


def _ini(text: str, first: int, file: str, syntax: str = "ini") -> Iterator[Setting]:
    """``key = value`` (also ``key value`` as redis.conf has it), under ``[section]``; a trailing backslash continues."""
    section = ""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        start, line = at, lines[at].strip()
        while line.endswith("\\") and at + 1 < len(lines):
            at += 1
            line = line[:-1].rstrip() + " " + lines[at].strip()
        at += 1
        heading = re.fullmatch(r"\[\[?([^\]]*)\]\]?\s*(?:#.*)?", line)
        pair = re.match(r"(?:export\s+)?([\w.$/*-]+(?:\s?\[\w*\])?)\s*(?:[=:]\s*|\s+)(.*)", line)
        if heading:
            section = heading[1].strip()
        elif pair and not line.startswith(("#", ";")):
            value = re.sub(r"\s+[#;]\s.*$", "", pair[2]).strip().strip("\"'")
            yield Setting((section, pair[1]) if section else (pair[1],), value, first + start, first + at - 1, syntax, file)


def _toml(text: str, first: int, file: str) -> Iterator[Setting]:
    return _ini(text, first, file, "toml")


def _systemd(text: str, first: int, file: str) -> Iterator[Setting]:
    return _ini(text, first, file, "systemd")


def _logrotate(text: str, first: int, file: str) -> Iterator[Setting]:
    """logrotate(8): directives under the globs before ``{``; a script's lines up to ``endscript`` are one value."""
    globs, script, body, start = "", "", [""], 0
    for number, raw in enumerate(text.split("\n"), first):
        line = raw.strip()
        if script:
            if line == "endscript":
                yield Setting((globs, script), "\n".join(body), start, number, "logrotate", file)
                script = ""
            else:
                body.append(line)
        elif not line or line.startswith("#"):
            continue
        elif line.endswith("{"):
            globs = " ".join((globs, line[:-1].strip())).strip()
        elif line == "}":
            globs = ""
        elif line in ("postrotate", "prerotate", "firstaction", "lastaction", "preremove"):
            script, body, start = line, [], number
        elif line.startswith(("/", '"/')):
            globs = " ".join((globs, line)).strip()
        else:
            directive, _, value = line.partition(" ")
            yield Setting((globs, directive) if globs else (directive,), value.strip(), number, number, "logrotate", file)


_NGINX_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|\#[^\n]*|[;{}\n]|[^;{}\n'"#]+|.""")


def _nginx(text: str, first: int, file: str) -> Iterator[Setting]:
    """Directives up to ``;`` under the blocks around them."""
    path: list[str] = []
    held: list[str] = []
    line = start = first
    for token in _NGINX_TOKEN.findall(text):
        start = line if not held else start
        words = " ".join(" ".join(held).split())
        match token:
            case "\n":
                line += 1
                continue
            case "{":
                path.append(words)
            case "}":
                del path[-1:]
            case ";" if words:
                directive, _, value = words.partition(" ")
                yield Setting((*path[:_DEEPEST], directive), value, start, line, "nginx", file)
            case _:
                held += [token] if token.strip() and not token.startswith("#") else []
                continue
        held = []


def _dockerfile(text: str, first: int, file: str) -> Iterator[Setting]:
    """Instructions with their arguments, continued lines joined."""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        start, line = at, lines[at].rstrip()
        while line.endswith("\\") and at + 1 < len(lines):
            at += 1
            line = line[:-1] + lines[at].rstrip()
        at += 1
        match = re.match(r"\s*([A-Za-z]+)\s+(.*)", line)
        if match and not line.lstrip().startswith("#"):
            yield Setting((match[1].upper(),), match[2].strip(), first + start, first + at - 1, "dockerfile", file)


READERS: dict[str, Callable[[str, int, str], Iterator[Setting]]] = {
    "yaml": _yaml, "json": _json, "ini": _ini, "toml": _toml, "systemd": _systemd, "logrotate": _logrotate, "nginx": _nginx,
    "dockerfile": _dockerfile,
}  # fmt: skip
"""A reader for each syntax: text, line of its first line, file. Raises NotParsed, at the latest when it is read to its end."""
