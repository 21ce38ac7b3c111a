"""What pydantic refused, said of YAML in plain words and placed where it stands."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from keepwell.kernel.quoting import quoted

from .findings import Findings, Hidden
from .markers import is_union, key_of, parts
from .meanings import meanings
from .nearest import nearest
from .nodes import Mapping, Node, Scalar, Sequence

Step = str | int
Path = tuple[Step, ...]

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "none_required": "nothing",
    "model_type": "keys with values",
    "model_attributes_type": "keys with values",
    "dict_type": "keys with values",
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "a list"),
}
_BOUNDS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
}
_LENGTHS = {
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "too_short": "at least {min_length} entries",
    "too_long": "at most {max_length} entries",
    "string_pattern_mismatch": "text of the form {pattern}",
}


def report(error: ValidationError, model: type[BaseModel], owner: Scalar, node: Node, findings: Findings, hidden: Hidden) -> None:
    """Adds a finding for each thing that is wrong.

    ``owner`` is the key under which ``node`` stands; what is ``hidden`` appears in no message.
    """
    grouped: dict[Path, list[dict[str, Any]]] = {}
    for one in error.errors(include_url=False, include_input=False):
        detail = dict(one)
        grouped.setdefault(_path(node, detail), []).append(detail)
    for path, details in grouped.items():
        deeper = any(other[: len(path)] == path and len(other) > len(path) for other in grouped)
        # A union's branch that could not even begin says nothing where another branch went further.
        kept = [detail for detail in details if not (deeper and detail["type"] in _EXPECTED)]
        if kept:
            _Finding(model, owner, node, findings, hidden).add(path, kept)


def _path(node: Node, detail: dict[str, Any]) -> Path:
    """The keys and positions of an error's place that exist in the tree (pydantic also names union branches), and a missing key."""
    path: list[Step] = []
    for step in detail["loc"]:
        child = _child(node, step)
        if child is not None:
            node = child
            path.append(step)
    if detail["type"] == "missing":
        path.append(detail["loc"][-1])
    return tuple(path)


def _child(node: Node, step: Step) -> Node | None:
    if isinstance(node, Mapping):
        return node.child(str(step))
    if isinstance(node, Sequence) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None


class _Finding:
    """Words for the errors at one path."""

    def __init__(self, model: type[BaseModel], owner: Scalar, node: Node, findings: Findings, hidden: Hidden) -> None:
        self.model, self.owner, self.node, self.findings, self.hidden = model, owner, node, findings, hidden

    def add(self, path: Path, details: list[dict[str, Any]]) -> None:
        kind = details[0]["type"]
        key, node = self._follow(path)
        if kind == "missing":
            self._missing(path, key)
        elif kind in ("extra_forbidden", "unexpected_keyword_argument"):
            self._unknown(path, key)
        else:
            empty = isinstance(node, Scalar) and node.line == node.end_line and node.column == node.end_column
            whole = not path and details[0]["type"] not in _EXPECTED
            self._wrong(key if empty or whole else node, node, details)

    def _follow(self, path: Path) -> tuple[Scalar, Node]:
        """The nearest key above the end of the path, and the node at its end."""
        key, node = self.owner, self.node
        for step in path:
            if isinstance(node, Mapping):
                key = node.key(str(step)) or key
            node = _child(node, step) or node
        return key, node

    def _missing(self, path: Path, owner: Scalar) -> None:
        name = str(path[-1])
        known = [meanings(model).get(name, "") for model in _models_at(self.model, path[:-1])]
        meaning = _first_sentence(next(filter(None, known), ""))
        self.findings.add("config.missing-key", f"{quoted(owner.text)} needs the key {quoted(name)}", owner, meaning)

    def _unknown(self, path: Path, key: Scalar) -> None:
        known = [key_of(name, info) for model in _models_at(self.model, path[:-1]) for name, info in model.model_fields.items()]
        unknown_key(self.findings, key, known)

    def _wrong(self, place: Node, node: Node, details: list[dict[str, Any]]) -> None:
        hidden = node in self.hidden.nodes
        wishes = [wish for wish in map(_expected, details) if wish]
        if len(wishes) < len(details):
            detail = next(detail for detail in details if not _expected(detail))
            secret = hidden and detail["type"] != "secret"
            message = "the value is not valid here" if secret else self.hidden.clean(_own_words(detail))
            hint = _SECRET_HINT if detail["type"] == "secret" else ""
            self.findings.add("config.value", message, place, hint)
            return
        message = f"expected {' or '.join(dict.fromkeys(wishes))}"
        if not hidden:
            message += f", found {found(node)}"
        code = "config.type" if details[0]["type"] in (*_EXPECTED, "expected") else "config.value"
        self.findings.add(code, message, place, "" if hidden else _advice(node, details))


_SECRET_HINT = "write secret:NAME (an environment variable), secret:file:PATH or secret:command:PROGRAM ARGUMENTS"


def unknown_key(findings: Findings, key: Scalar, known: Collection[str]) -> None:
    """A key that nothing reads, with the nearest that something does."""
    near = nearest(key.text, known)
    hint = f"did you mean {quoted(near)}?" if near else f"what may stand here: {', '.join(sorted(known))}"
    if key.text == "<<":
        hint = "this file is YAML 1.2, which has no merge keys: write the keys out"
    findings.add("config.unknown-key", f"{quoted(key.text)} is not a key that is known here", key, hint)


def found(node: Node) -> str:
    """A node in words: ``the text "abc"``, ``the number 5``, ``a list``."""
    if isinstance(node, Sequence):
        return "a list"
    if not isinstance(node, Scalar):
        return "keys with values"
    if isinstance(node.value, bool):
        return node.text
    if isinstance(node.value, int | float):
        return f"the number {quoted(node.text)[1:-1]}"
    return "nothing" if node.value is None else f"the text {quoted(node.text)}"


def _expected(detail: dict[str, Any]) -> str:
    """What would have been right, as a noun; empty where the error speaks in whole sentences."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _EXPECTED:
        return _EXPECTED[kind]
    if kind in ("literal_error", "enum", "expected"):
        return str(context["expected"]).replace("'", "")
    if kind in _BOUNDS or kind in _LENGTHS:
        return (_BOUNDS.get(kind) or _LENGTHS[kind]).format_map(context)
    message = str(detail["msg"])
    return message.removeprefix("Input should be ") if message.startswith("Input should be ") else ""


def _own_words(detail: dict[str, Any]) -> str:
    message = str(detail["msg"])
    for prefix in ("Value error, ", "Assertion failed, "):
        message = message.removeprefix(prefix)
    return message


def _advice(node: Node, details: list[dict[str, Any]]) -> str:
    if not isinstance(node, Scalar):
        return ""
    kinds = {detail["type"] for detail in details}
    if "string_type" in kinds and node.value is not None:
        return "put it in quotes to make it text"
    if "bool_type" in kinds and node.text.lower() in ("on", "off", "yes", "no", "y", "n"):
        return f"write {'true' if node.text.lower() in ('on', 'yes', 'y') else 'false'}: {node.text} is text in YAML 1.2"
    choices = [choice for detail in details for choice in re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))]
    near = nearest(node.text, choices)
    return f"did you mean {quoted(near)}?" if near else ""


def _first_sentence(description: str) -> str:
    return re.split(r"(?<=\.)\s", " ".join(description.split()), maxsplit=1)[0]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The options classes that an annotation leads to directly, through optionals, lists and mappings."""
    origin, arguments, _ = parts(annotation)
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        yield origin
    elif is_union(origin) or isinstance(origin, type):
        for argument in arguments:
            yield from _models_in(argument)


def _models_at(model: type[BaseModel], path: Path) -> list[type[BaseModel]]:
    models = [model]
    for step in path:
        infos = [info for one in models for name, info in one.model_fields.items() if key_of(name, info) == step]
        if infos:
            models = [inner for info in infos for inner in _models_in(info.annotation)]
    return models
