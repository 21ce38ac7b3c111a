"""values.yaml: what was filled in for the manual's placeholders, by name. Secrets stand there as references only. Pure."""

import re
from collections.abc import Mapping

from keepwell.config import nodes
from keepwell.kernel.problems import ConfigurationError, Place

from .forms import LONGEST, fault, is_reference
from .merge_edits import flow
from .merge_tree import YamlText
from .model import Missing, Wanting

VALUES = "values.yaml"
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_HEAD = """\
# What keepwell fill was told: the values that the manual leaves open, by name. keepwell import puts them in.
# This file may be committed: a secret stands here as the place where it is kept (secret:NAME, secret:file:/path), never as itself.
"""


def read_values(text: str, file: str = VALUES) -> dict[str, str]:
    """The values. Raises ConfigurationError where the file holds anything but names with short texts."""
    read = YamlText(text, file)
    values = {}
    for name, (key, node) in read.root.items.items():
        where = Place(file, key.line + 1, key.column + 1, read.lines[key.line].rstrip())
        if not NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} is no name of a value", hint="names are those that keepwell fill lists", where=where)
        if not isinstance(node, nodes.Scalar) or len(node.text) > LONGEST or not node.text.isprintable():
            raise ConfigurationError(f"the value of {name} is no line of text", hint="write NAME: value", where=where)
        if node.text:
            values[name] = node.text
    return values


def check_values(text: str, file: str, known: Mapping[str, Missing]) -> None:
    """Raises ConfigurationError where a value is not of the form that the manual needs, or a secret stands in the file itself."""
    read = YamlText(text, file)
    for name, value in read_values(text, file).items():
        missing = known.get(name)
        if missing is None:
            continue
        secret = missing.wanting is Wanting.SECRET
        wrong = "" if is_reference(value) or secret else fault(missing.form, value)
        if secret and not is_reference(value):
            wrong = "it is a secret, and stands here only as secret:NAME or secret:file:/path"
        if wrong or (is_reference(value) and not secret):
            key = read.root.items[name][0]
            place = Place(file, key.line + 1, key.column + 1)  # the line itself is not quoted: it may hold the secret
            raise ConfigurationError(f"{name}: {wrong or 'it is no secret'}", hint="keepwell fill asks for it", where=place)


def with_references(configuration: str, values: Mapping[str, str]) -> str:
    """The configuration with each ``secret:NAME`` for which a place was filled in at that place."""
    places = {name: value for name, value in values.items() if is_reference(value)}

    def placed(match: re.Match[str]) -> str:
        return flow(places[match[1]]) if match[1] in places else match[0]

    return re.sub(r'(?<=: )"secret:([A-Za-z0-9_]+)"', placed, configuration)


def write_values(text: str | None, new: Mapping[str, str]) -> str:
    """The file with these values set: others, comments and order stay."""
    read = YamlText(text or _HEAD, VALUES)
    changed = read.text
    for name in sorted(new, key=lambda name: _start(read, name), reverse=True):
        if name in read.root.items:
            _, node = read.root.items[name]
            start, end = read.start(node), read.end(node)
            blank = "" if changed[start - 1 : start] in (" ", "") else " "
            changed = changed[:start] + blank + flow(new[name]) + changed[end:]
    added = [f"{flow(name)}: {flow(value)}\n" for name, value in new.items() if name not in read.root.items]
    return changed + "".join(added)


def _start(read: YamlText, name: str) -> int:
    return read.start(read.root.items[name][1]) if name in read.root.items else 0
