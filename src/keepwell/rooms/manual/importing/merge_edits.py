"""Changes to the text of a YAML file: single places are replaced, members come and go with the comments above them. Pure."""

import re
from dataclasses import dataclass, field

from keepwell.config.nodes import Node, Scalar, plain

from .emit_yaml import scalar
from .merge_tree import Member, YamlText, indented

_PROPOSAL = re.compile(r"# import proposes: (?:remove )?([^:\s]+)")
_WIDEST = 4000


class CannotSplice(Exception):
    """The text is written in a way in which a single place cannot be changed."""


def flow(value: object) -> str:
    """A value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(str(key))}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return ".nan" if value != value else ".inf" if value > 0 else "-.inf"
    return "null" if value is None else scalar(value)


@dataclass(slots=True)
class _Above:
    """What changes in the comments above a member: those of the import before and now, and proposals."""

    old: list[str] | None = None
    new: list[str] = field(default_factory=list)
    proposals: dict[tuple[str, ...], str] = field(default_factory=dict)
    settled: list[tuple[str, ...]] = field(default_factory=list)


class Edits:
    """Collects changes to ``mine``; new members are copied from ``theirs``."""

    def __init__(self, mine: YamlText, theirs: YamlText) -> None:
        self._mine = mine
        self._theirs = theirs
        self._edits: list[tuple[int, int, str]] = []
        self._above: dict[Member, _Above] = {}
        self._removed: set[Member] = set()

    def mark(self) -> int:
        """A point to go ``back_to``."""
        return len(self._edits)

    def back_to(self, mark: int) -> None:
        """Forgets the changes since the point (not those of comments)."""
        del self._edits[mark:]

    def rewrite(self, node: Node, text: str) -> None:
        """Another text for a value. Raises CannotSplice where comments inside it would be lost."""
        mine = self._mine
        start, end = mine.start(node), mine.end(node)
        own = mine.text[start:end]
        if "#" in own and "\n" in own:
            raise CannotSplice
        # A block begins on a line of its own; what replaces it stands behind the key.
        if not isinstance(node, Scalar) and not mine.in_brackets(node):
            start = len(mine.text[:start].rstrip())
        blank = "" if start == 0 or mine.text[start - 1] in " [{,\n" else " "
        self._edits.append((start, end, blank + text))

    def replace(self, ours: Member, other: Member) -> None:
        """The value of a member as the import writes it."""
        theirs = self._theirs
        whole = theirs.text[other.start : other.end]
        if ours.flow or other.flow:
            self.rewrite(ours.value, flow(plain(other.value)))
        elif "\n" not in whole and "\n" not in self._mine.text[ours.start : ours.end]:
            self.rewrite(ours.value, theirs.text[theirs.start(other.value) : other.end])
        else:
            lines = theirs.own_text(other).splitlines(keepends=True)[other.line - other.top :]
            self._edits.append((ours.start, ours.end, indented(lines, ours.column)[ours.column :].rstrip("\n")))

    def insert(self, other: Member, previous: Member | None, first: Member | None) -> None:
        """A member of the import, with the comments above it, behind ``previous`` or before ``first``."""
        mine, theirs = self._mine, self._theirs
        if previous is None and first is not None and not first.alone:
            raise CannotSplice
        if previous is None and first is None:
            return  # the container is empty: it is rewritten as a whole
        beside = previous or first
        assert beside is not None
        text = indented(self._lines_of(other), beside.column)
        spaced = other.alone and other.top > 0 and not theirs.lines[other.top - 1].strip()
        if previous is not None:
            at = mine.offset(previous.last + 1)
            self._edits.append((at, at, ("\n" if spaced else "") + text))
        elif first is not None:
            at = mine.offset(first.top)
            self._edits.append((at, at, text))

    def _lines_of(self, other: Member) -> list[str]:
        if other.alone:
            return self._theirs.own_text(other).splitlines(keepends=True)
        return [f"{'-' if other.item else flow(other.name) + ':'} {flow(plain(other.value))}\n"]

    def remove(self, ours: Member) -> None:
        """A member goes, with the comments above it and the blank line before them, where another one follows."""
        mine = self._mine
        if not ours.alone:
            raise CannotSplice
        top, behind = ours.top, ours.last + 1
        if top and not mine.lines[top - 1].strip() and (behind >= len(mine.lines) or not mine.lines[behind].strip()):
            top -= 1
        self._edits.append((mine.offset(top), mine.offset(behind), ""))
        self._removed.add(ours)

    def comments(self, ours: Member, old: list[str] | None, new: list[str]) -> None:
        """The comments that the import writes above a member, before and now."""
        above = self._above.setdefault(ours, _Above())
        above.old, above.new = old, new

    def propose(self, anchor: Member, path: tuple[str, ...], comment: str) -> None:
        """A comment above a member that says what the import would write."""
        self._above.setdefault(anchor, _Above()).proposals[path] = comment[:_WIDEST]

    def settle(self, anchor: Member | None, path: tuple[str, ...]) -> None:
        """What was proposed for this place is so now: its comment goes."""
        if anchor is not None:
            self._above.setdefault(anchor, _Above()).settled.append(path)

    def apply(self) -> str:
        """The text with all changes."""
        edits = [*self._edits, *self._comment_edits()]
        text, at = [], 0
        # Of changes at one place the insertions come first, each in the order in which it was asked for.
        for start, end, new in sorted(edits, key=lambda edit: (edit[0], edit[1])):
            if start < at:
                raise CannotSplice
            text += [self._mine.text[at:start], new]
            at = end
        return "".join([*text, self._mine.text[at:]])

    def _comment_edits(self) -> list[tuple[int, int, str]]:
        found = []
        for member, above in self._above.items():
            if member in self._removed:
                continue
            own = self._mine.comments(member)
            new = _commented(own, above)
            if new != own:
                start, end = self._mine.offset(member.top), self._mine.offset(member.line)
                found.append((start, end, "".join(" " * member.column + line + "\n" for line in new)))
        return found


def _commented(own: list[str], above: _Above) -> list[str]:
    """The comments above a member: the user's stay, the import's are as it writes them now, proposals stand last."""
    lines = own
    if above.old is not None and above.old != above.new:
        kept = [line for line in own if not _PROPOSAL.match(line)]
        at = _position(above.old, kept)
        if at is not None and (above.old or not kept):
            proposals = [line for line in own if _PROPOSAL.match(line)]
            lines = [*kept[:at], *above.new, *kept[at + len(above.old) :], *proposals]
    gone = {".".join(path) for path in above.proposals} | {".".join(path) for path in above.settled}
    lines = [line for line in lines if not _is_about(line, gone)]
    return [*lines, *above.proposals.values()]


def _position(part: list[str], whole: list[str]) -> int | None:
    return next((at for at in range(len(whole) - len(part) + 1) if whole[at : at + len(part)] == part), None)


def _is_about(line: str, names: set[str]) -> bool:
    match = _PROPOSAL.match(line)
    return match is not None and any(match[1] == name or match[1].startswith(f"{name}.") for name in names)
