"""Sections and their entries: nodes become frozen options, and what does not fit becomes findings."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from keepwell.kernel.problems import KeepwellError, NotFound, Place
from keepwell.kernel.quoting import quoted
from keepwell.ports.offer import Drivers, Section

from . import nodes
from .expansion import expand, names
from .findings import Findings, Hidden
from .markers import Marker, Walks, key_of
from .model_errors import found, report, unknown_key
from .nearest import nearest
from .nodes import Node, Scalar, plain
from .options import Expands, Options, Reference
from .references import Link

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_NAME_HINT = "a name has small letters, digits, . _ - and begins with a letter or digit; at most 100 characters"


@dataclass(frozen=True, slots=True)
class Entry:
    """One named entry: the keys that every entry of its section may have, and the kind with its options where the section has kinds."""

    name: str
    common: Options
    kind: str | None
    options: Options | None
    place: Place


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of a section that is a list: its options, where it begins, and where the values of its keys stand."""

    options: Options
    place: Place
    places: Mapping[str, Place] = field(default_factory=dict)

    def at(self, key: str) -> Place:
        """Where the value of a key stands; of one that is not written, where the entry begins."""
        return self.places.get(key, self.place)


@dataclass(slots=True)
class _Kinds:
    """The drivers of one section, and the keys that are no kinds because every entry may have them."""

    drivers: Drivers
    common: frozenset[str]
    needed: bool = True
    loaded: dict[str, type[Options] | None] = field(default_factory=dict)

    def options(self, name: str) -> type[Options] | None:
        """The options of a kind; None where there is no such kind. What cannot be loaded raises KeepwellError."""
        if name not in self.loaded:
            try:
                self.loaded[name] = self.drivers.load(name).options
            except NotFound:
                self.loaded[name] = None
        return self.loaded[name]


@dataclass(slots=True)
class Decoder:
    """Decodes the sections of one file. ``references`` are gathered for a look at the whole."""

    findings: Findings
    environment: Mapping[str, str]
    references: list[Link] = field(default_factory=list)
    walks: Walks = field(default_factory=Walks)

    def section(self, section: Section, pair: tuple[Scalar, Node] | None) -> Any:
        """The value of a section: its options, its entries by name, or its entries in a row. What is wrong is among the findings, and the
        value incomplete."""
        if section.listed:
            return self._listed(section, pair)
        if not section.named:
            return self._single(section, pair)
        if pair is None or _is_nothing(pair[1]):
            return {}
        node = pair[1]
        if not isinstance(node, nodes.Mapping):
            message = f"expected entries, each with its name, found {found(node)}"
            self.findings.add("config.type", message, node, "write each entry as a name, a colon and what belongs to it")
            return {}
        model = section.options()
        kinds = None
        if section.kinds is not None:
            kinds = _Kinds(section.kinds(), frozenset(key_of(name, info) for name, info in model.model_fields.items()), section.kind_needed)
        entries = {key.text: self._entry(section.key, model, kinds, key, value) for key, value in node.items.values()}
        return {name: entry for name, entry in entries.items() if entry}

    def _single(self, section: Section, pair: tuple[Scalar, Node] | None) -> Options | None:
        model = section.options()
        if pair is not None:
            return self._options(model, section.key, "", *pair)
        try:
            return model()  # type: ignore[no-any-return]
        except ValidationError as error:
            needed = ", ".join(quoted(str(one["loc"][0])) for one in error.errors() if one["loc"])
            self.findings.add(
                "config.missing-key", f"the section {quoted(section.key)} is missing; it needs {needed}", None, section.summary
            )
            return None

    def _listed(self, section: Section, pair: tuple[Scalar, Node] | None) -> tuple[Listed, ...]:
        if pair is None or _is_nothing(pair[1]):
            return ()
        node = pair[1]
        if not isinstance(node, nodes.Sequence):
            hint = 'write each entry in a line of its own that begins with "- "'
            self.findings.add("config.type", f"expected a list, found {found(node)}", node, hint)
            return ()
        made = (self._item(section, number, item) for number, item in enumerate(node.items, 1))
        return tuple(entry for entry in made if entry)

    def _item(self, section: Section, number: int, node: Node) -> Listed | None:
        if not isinstance(node, nodes.Mapping):
            self.findings.add("config.type", f"expected keys with values, found {found(node)}", node)
            return None
        # What concerns the whole entry is said at its beginning.
        owner = Scalar(node.line, node.column, node.line, node.column + 1, text=f"entry {number} of {section.key}")
        options = self._options(section.options(), section.key, str(number), owner, node)
        place = self.findings.source.place
        return Listed(options, place(node), {key: place(value) for key, (_, value) in node.items.items()}) if options else None

    def _entry(self, section: str, model: type[Options], kinds: _Kinds | None, key: Scalar, node: Node) -> Entry | None:
        check_name(key, self.findings)
        if kinds is None:
            common = self._options(model, section, key.text, key, node)
            return Entry(key.text, common, None, None, self.findings.source.place(key)) if common else None
        if not isinstance(node, nodes.Mapping):
            node = nodes.Mapping(node.line, node.column, node.end_line, node.end_column) if _is_nothing(node) else node
        if not isinstance(node, nodes.Mapping):
            hint = f"below the name stands one kind: {', '.join(kinds.drivers.names())}"
            self.findings.add("config.type", f"expected keys with values, found {found(node)}", node, hint)
            return None
        kind = self._kind(kinds, key, node)
        shared = nodes.Mapping(node.line, node.column, node.end_line, node.end_column)
        shared.items = {name: pair for name, pair in node.items.items() if name in kinds.common}
        common = self._options(model, section, key.text, key, shared)
        options = self._options(kind[1], section, key.text, *node.items[kind[0]]) if kind else None
        if common is not None and kind is None and not kinds.needed:
            return Entry(key.text, common, None, None, self.findings.source.place(key))
        if kind is None or common is None or options is None:
            return None
        return Entry(key.text, common, kind[0], options, self.findings.source.place(key))

    def _kind(self, kinds: _Kinds, owner: Scalar, node: nodes.Mapping) -> tuple[str, type[Options]] | None:
        """The one kind of an entry. None, and a finding, where it has none, two, or a key that is neither kind nor common."""
        chosen: list[tuple[str, type[Options]]] = []
        strange: list[Scalar] = []
        for name, (key, _) in node.items.items():
            if name in kinds.common:
                continue
            try:
                options = kinds.options(name)
            except KeepwellError as error:
                for problem in error.problems:
                    self.findings.add(problem.code, problem.message, key, problem.hint)
                return None
            if options is None:
                strange.append(key)
            else:
                chosen.append((name, options))
        for key in strange:
            unknown_key(self.findings, key, [*kinds.drivers.names(), *kinds.common])
        if len(chosen) > 1:
            message = f"{quoted(owner.text)} has {len(chosen)} kinds: {', '.join(name for name, _ in chosen)}"
            self.findings.add("config.kind", message, node.key(chosen[1][0]), "give each its own entry")
        elif not chosen and kinds.needed and all(nearest(key.text, kinds.drivers.names()) is None for key in strange):
            self.findings.add("config.kind", f"{quoted(owner.text)} has no kind", owner, f"add one of {', '.join(kinds.drivers.names())}")
        return chosen[0] if len(chosen) == 1 else None

    def _options(self, model: type[Options], section: str, entry: str, owner: Scalar, node: Node) -> Options | None:
        """Validates what stands under the key ``owner``; nothing at all counts as no keys."""
        value = {} if _is_nothing(node) else plain(node)
        walk = self.walks.of(model)
        hidden = Hidden()
        if walk:
            value = walk(node, value, _Visit(self, section, entry, hidden))
        try:
            return model.model_validate_json(json.dumps(value, ensure_ascii=False))
        except ValidationError as error:
            report(error, model, owner, node, self.findings, hidden)
            return None


@dataclass(frozen=True, slots=True)
class _Visit:
    """What happens at each marked text of one entry."""

    decoder: Decoder
    section: str
    entry: str
    hidden: Hidden

    def marked(self, node: Scalar, text: str, marker: Marker) -> str:
        if isinstance(marker, Reference):
            self.decoder.references.append(Link(self.section, self.entry, marker, node))
        elif isinstance(marker, Expands):
            return self._expanded(node, text)
        elif not text.startswith("secret:"):
            self.decoder.findings.source.conceal(node)
            self.hidden.nodes.add(node)
        return text

    def _expanded(self, node: Scalar, text: str) -> str:
        findings, environment = self.decoder.findings, self.decoder.environment
        result = expand(text, environment, lambda message, hint: findings.add("config.variable", message, node, hint))
        if result != text:
            self.hidden.nodes.add(node)
            self.hidden.texts |= {environment[name]: f"${{{name}}}" for name in names(text) if name in environment} | {result: text}
        return result


def check_name(key: Scalar, findings: Findings) -> None:
    """Adds a finding where a key is no name for an entry."""
    if not _NAME.fullmatch(key.text):
        findings.add("config.name", f"{quoted(key.text)} is no name for an entry", key, _NAME_HINT)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None
