"""Three-way merge of keepwell.yaml: what the last import wrote, what the user made of it, what the new import writes. Pure.

The meaning is merged key by key, the text is changed only where the meaning changes: every other byte, comments included, stays the
user's. What both changed differently is a conflict: the user's value stays, and the new one stands as a comment above it.

1. What only the manual changed, added or removed is taken; what only the user did stays (what the user removed stays removed).
2. Where both did, and mappings stand on both sides, their keys are merged; items of lists by what identifies them (``alert``, ``when``).
3. A check whose kind one of them changed is one value: two halves of different kinds make no check.
4. A target or host that is still used is not removed, and one that is used again comes back.
5. The result is read again and compared with what was decided. Where it differs, the user's file stays, and the new one is proposed whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from keepwell.config import nodes
from keepwell.kernel.problems import ConfigurationError

from .merge_edits import CannotSplice, Edits, flow
from .merge_tree import Member, YamlText

PROPOSES = "# import proposes: "
_PLACES = frozenset(("targets", "hosts", "windows", "contacts", "repositories", "receivers"))
"""Sections whose entries others name."""
_ORIGIN = re.compile(r"from (lines? \d[\d, and]*\d|line \d+)")
_GONE = object()


@dataclass(frozen=True, slots=True)
class Clash:
    """Something that both changed differently: where, what stays, and what the import proposes (nothing: that it goes)."""

    place: str
    yours: str
    proposed: str
    origin: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """The merged text and its conflicts; ``proposed`` is the new text as a whole where it could not be merged into the user's."""

    text: str
    clashes: tuple[Clash, ...] = ()
    proposed: str = ""


def merge_yaml(base: str | None, mine: str, theirs: str, careful: bool = False) -> Merged:
    """The merge. Without a base, everything that differs is a conflict, and what only the import has is added. ``careful``: an entry
    that both changed is one conflict, whatever they changed in it. Raises ConfigurationError where the user's file cannot be read."""
    if mine == base:
        return Merged(theirs)
    if theirs in (base, mine):
        return Merged(mine)
    own = YamlText(mine)
    merging = _Merging(YamlText(base or ""), own, YamlText(theirs), careful)
    try:
        if own.has_aliases:
            raise CannotSplice
        decided = merging.run()
        text = merging.edits.apply()
        if not same(YamlText(text).data, decided):
            raise CannotSplice
    except (CannotSplice, ConfigurationError):
        return Merged(mine, (Clash("", "the whole file", "the new one is beside it"),), proposed=theirs)
    return Merged(text, tuple(merging.clashes))


def same(one: object, two: object) -> bool:
    """Whether two values mean the same; the order of keys is no difference, 1 and true are one."""
    if type(one) is not type(two):
        return False
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(value, two[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return one == two or (one != one and two != two)


@dataclass(frozen=True, slots=True)
class _Where:
    """A place in the files: the keys that lead there, the nearest member above which a comment can stand, and the manual's lines."""

    path: tuple[str, ...] = ()
    anchor: Member | None = None
    inside: tuple[str, ...] = ()
    """The keys from the anchor to here."""
    origin: str = ""


@dataclass(slots=True)
class _Merging:
    base: YamlText
    mine: YamlText
    theirs: YamlText
    careful: bool
    clashes: list[Clash] = field(default_factory=list)
    edits: Edits = field(init=False)
    used: frozenset[str] = frozenset()
    needed: frozenset[str] = frozenset()

    def run(self) -> object:
        """Decides everything; gives what the result shall mean."""
        self.edits = Edits(self.mine, self.theirs)
        self.used = frozenset(_texts_of_changed(self.base, self.mine))
        self.needed = frozenset(_texts_of_changed(self.base, self.theirs))
        return self._container((self.base.root, self.mine.root, self.theirs.root), _Where())

    def _container(self, three: "tuple[nodes.Node | None, nodes.Node, nodes.Node]", where: _Where) -> object:
        """Merges the members of a mapping or a list that stands in both; what the base holds may be anything."""
        base, mine, theirs = three
        before = self.edits.mark()
        olds = self.base.members(base) if isinstance(base, type(mine)) else None
        own, new = self.mine.members(mine), self.theirs.members(theirs)
        assert own is not None
        assert new is not None
        in_brackets = self.mine.in_brackets(mine) or any(member.flow for member in own.values())
        result: dict[str, object] = {}
        changed = False
        previous: Member | None = None
        for name in dict.fromkeys((*new, *own)):
            old, ours, other = (olds or {}).get(name), own.get(name), new.get(name)
            value, previous, moved = self._member((old, ours, other), self._inside(where, name, ours, other), previous, in_brackets)
            changed = changed or moved
            if value is not _GONE:
                result[name] = value
        decided: object = result if isinstance(mine, nodes.Mapping) else list(result.values())
        if changed and (in_brackets or not result or not own):
            self.edits.back_to(before)
            self.edits.rewrite(mine, flow(decided))
        return decided

    def _inside(self, where: _Where, name: str, ours: Member | None, other: Member | None) -> _Where:
        origin = _origin(self.theirs.comments(other)) if other else ""
        stands_alone = ours is not None and ours.alone
        return _Where(
            (*where.path, name),
            ours if stands_alone else where.anchor,
            (name,) if stands_alone else (*where.inside, name),
            origin or where.origin,
        )

    def _member(
        self, three: tuple[Member | None, Member | None, Member | None], where: _Where, previous: Member | None, in_brackets: bool
    ) -> tuple[object, Member | None, bool]:
        """What becomes of one member: its value (or none), the member behind which the next new one goes, and whether it came or went."""
        old, ours, other = three
        base, mine, theirs = (_plain(member) for member in three)
        if ours is None:
            assert other is not None
            back = where.path[-1] in self.needed and _is_place(where.path)
            if (old is not None or same(base, theirs)) and not back:
                return _GONE, previous, False
            if not in_brackets:
                self.edits.insert(other, previous, self._first(where))
            return theirs, previous, True
        if other is None:
            return self._removed((old, ours), where, previous, in_brackets)
        self._comments((old, ours, other), where)
        # A section whose entries others name is always looked through: one of them may have to come back.
        if same(mine, theirs) or (same(base, theirs) and not (len(where.path) == 1 and where.path[0] in _PLACES)):
            self._comments_below((old, ours, other), where)
            return mine, ours, False
        return self._both((old, ours, other), where), ours, False

    def _comments(self, three: tuple[Member | None, Member, Member], where: _Where) -> None:
        """The comments of the import are as it writes them now; what was proposed and is so now is proposed no longer."""
        old, ours, other = three
        if ours.alone:
            self.edits.comments(ours, self.base.comments(old) if old else None, self.theirs.comments(other))
        if same(_plain(ours), _plain(other)):
            self.edits.settle(where.anchor, where.inside)

    def _comments_below(self, three: tuple[Member | None, Member, Member], where: _Where) -> None:
        old, ours, other = three
        own, new = self.mine.members(ours.value, ours.flow), self.theirs.members(other.value)
        olds = self.base.members(old.value) if old else None
        for name, member in (own or {}).items():
            if new and name in new:
                inside = self._inside(where, name, member, new[name])
                below = ((olds or {}).get(name), member, new[name])
                self._comments(below, inside)
                self._comments_below(below, inside)

    def _first(self, where: _Where) -> Member | None:
        """The first member of the mapping that a new member goes into."""
        node: nodes.Node | None = self.mine.root
        for name in where.path[:-1]:
            members = self.mine.members(node) if node else None
            node = members[name].value if members and name in members else None
        members = self.mine.members(node) if node else None
        return next(iter(members.values()), None) if members else None

    def _removed(
        self, two: tuple[Member | None, Member], where: _Where, previous: Member | None, in_brackets: bool
    ) -> tuple[object, Member | None, bool]:
        """The manual has it no longer, or never had it."""
        old, ours = two
        mine = _plain(ours)
        if old is None:
            return mine, ours, False
        untouched = same(_plain(old), mine) and not self._has_own_comments(old, ours)
        if untouched and not (_is_place(where.path) and ours.name in self.used):
            if not in_brackets:
                self.edits.remove(ours)
            return _GONE, previous, True
        self._clash(where, mine, _GONE)
        return mine, ours, False

    def _both(self, three: tuple[Member | None, Member, Member], where: _Where) -> object:
        """The manual changed it, and it is not what the user has."""
        old, ours, other = three
        base, mine, theirs = (_plain(member) for member in three)
        untouched = same(base, mine)
        mergeable = isinstance(mine, dict | list) and type(mine) is type(theirs) and self._mergeable(ours, other, untouched)
        entry = len(where.path) == 2
        if entry and not untouched and (self.careful or _kind_changed(base, mine, theirs)):
            mergeable = False
        if mergeable:
            return self._container((old.value if old else None, ours.value, other.value), where)
        if not untouched or (old is not None and self._has_own_comments(old, ours)):
            self._clash(where, mine, theirs)
            return mine
        self.edits.replace(ours, other)
        return theirs

    def _mergeable(self, ours: Member, other: Member, untouched: bool) -> bool:
        own, new = self.mine.members(ours.value, ours.flow), self.theirs.members(other.value)
        return own is not None and new is not None and (bool(own) or not untouched)

    def _has_own_comments(self, old: Member, ours: Member) -> bool:
        """Whether the user's text of a member has comments that the last import did not write there."""
        known = {line.strip() for line in self.base.lines[old.top : old.last + 1]}
        lines = (line.strip() for line in self.mine.lines[ours.top : ours.last + 1])
        return any("#" in line and line not in known and not line.startswith(PROPOSES) for line in lines)

    def _clash(self, where: _Where, mine: object, theirs: object) -> None:
        proposed = "" if theirs is _GONE else flow(theirs)
        self.clashes.append(Clash(".".join(where.path), flow(mine), proposed, where.origin))
        name = ".".join(where.inside)
        told = f"{name}: {proposed}" if theirs is not _GONE else f"remove {name}"
        if where.anchor is not None:
            self.edits.propose(where.anchor, where.inside, PROPOSES + told + (f" ({where.origin})" if where.origin else ""))


def _kind_changed(base: object, mine: object, theirs: object) -> bool:
    """Whether keys that hold mappings (a check's kind) came or went in a way that makes halves of two things of one entry."""
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return True
    old, own, new = (_kinds(value) for value in (base, mine, theirs))
    if not isinstance(base, dict):
        return own != new
    edited = any(not same(mine.get(key), base.get(key)) for key in old - new)
    return new != old and (own != old or edited)


def _kinds(value: object) -> set[str]:
    return {key for key, inner in value.items() if isinstance(inner, dict)} if isinstance(value, dict) else set()


def _plain(member: Member | None) -> object:
    return nodes.plain(member.value) if member else _GONE


def _is_place(path: tuple[str, ...]) -> bool:
    return len(path) == 2 and path[0] in _PLACES


def _origin(comments: list[str]) -> str:
    match = next((match for match in map(_ORIGIN.search, comments) if match), None)
    return match[1] if match else ""


def _texts_of_changed(base: YamlText, text: YamlText) -> Iterator[str]:
    """Every text of the entries that are not as the last import wrote them."""
    for section, (_, value) in text.root.items.items():
        old = base.root.child(section)
        entries = value.items.values() if isinstance(value, nodes.Mapping) else [(None, value)]
        for key, entry in entries:
            known = old.child(key.text) if key and isinstance(old, nodes.Mapping) else old
            if known is None or not same(nodes.plain(known), nodes.plain(entry)):
                yield from _texts(nodes.plain(entry))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
