"""What the text of a manual asks somebody to do, and where else the manual says how. Shared by the rules on what is missing. Pure.

Words are compared by their first five letters, so that "rotate", "rotation" and "rotating" are one.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from keepwell.rooms.manual.reading.model import Item, Kind, Manual

CADENCE = re.compile(r"\b(daily|nightly|morning|weekly|monthly|quarterly|yearly|annual(ly)?|routine|checklists?|hourly)\b", re.I)
"""A heading that says how often."""
WORK = re.compile(r"\b(maintenance|schedules?|rotation|emergency|outage|incidents?|recovery|restore|failover|response procedures?)\b", re.I)
"""A heading of work that somebody is to do, without saying how often."""
NO_WORK = re.compile(
    r"\b(best "
    r"practices?|principles?|overview|goals?|objectives?|conclusion|to-?do|contents|documentation|windows?|contacts?|history|review|"
    r"post-|introduction|about|components?|architecture|planning|priorities|template|classification|levels?|metrics|alerts?|thresholds?)\b",
    re.I,
)
"""A heading below which list items describe or are a matter of thought."""
_VERBS = (
    "add adjust analyze analyse apply archive assess audit back backup change check clean clear collect compare compile confirm "
    "configure "
    "contact create delete deploy deactivate disable disconnect document drain enable ensure escalate evaluate examine execute export "
    "fix "
    "generate handle identify implement import inform inspect install investigate isolate maintain measure migrate monitor notify "
    "optimize optimise "
    "patch perform plan promote provision prune publish purge rebuild reconstruct record refresh remove renew repair replace reset "
    "resolve "
    "restart restore review revoke rollback rotate run scale scan schedule send stop start swap sync synchronize take test track trigger "
    "truncate tune update upgrade upload validate verify"
)
VERBS = frozenset(_VERBS.split())
"""What a sentence that asks for something begins with."""
_ADVERBS = frozenset(["gracefully", "manually", "carefully", "immediately", "regularly", "periodically", "then", "also"])
_EMPTY = frozenset(
    [
        "a",
        "all",
        "an",
        "and",
        "any",
        "appropriate",
        "are",
        "as",
        "at",
        "available",
        "be",
        "been",
        "but",
        "by",
        "completion",
        "correct",
        "correctly",
        "each",
        "every",
        "for",
        "from",
        "full",
        "has",
        "have",
        "if",
        "in",
        "is",
        "issue",
        "issues",
        "it",
        "its",
        "latest",
        "needed",
        "new",
        "no",
        "not",
        "of",
        "old",
        "on",
        "one",
        "or",
        "other",
        "our",
        "procedure",
        "procedures",
        "process",
        "sla",
        "that",
        "the",
        "their",
        "them",
        "these",
        "they",
        "this",
        "those",
        "to",
        "use",
        "used",
        "using",
        "via",
        "was",
        "we",
        "when",
        "where",
        "with",
        "within",
        "you",
        "your",
        "task",
        "tasks",
        "during",
        "after",
        "before",
        "necessary",
        "required",
        "everything",
    ]
) - {"completion"}
_PREFIX = re.compile(r"^(?:\[[ xX]\]\s*)?(?:(?:step\s+)?\d+(?:\.\d+)*[.):]\s*|[-*•]\s+|step\s+\d+\s*[:.-]?\s*)+", re.I)
_SAME = {
    "patch": "updat", "upgra": "updat", "mem": "memor", "ram": "memor", "ssl": "certi", "tls": "certi", "drill": "test",
    "rehea": "test", "exerc": "test", "check": "verif", "valid": "verif", "dr": "disas", "docs": "docum", "db": "datab",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place that says how something is done: a heading over commands, a comment or an echo with a command, a script's name."""

    stems: frozenset[str]
    line: int
    cadence: str = ""
    """daily, weekly ... of the heading that it stands below."""


class Places:
    """All anchors of a manual, found by their stems: those that say the same under the same cadence are one."""

    def __init__(self, found: Iterable[Anchor]) -> None:
        once = {(anchor.stems, anchor.cadence): anchor for anchor in reversed(tuple(found)) if anchor.stems}
        self.anchors = tuple(sorted(once.values(), key=lambda anchor: anchor.line))
        self._by_stem: dict[str, list[Anchor]] = {}
        for anchor in self.anchors:
            for one in anchor.stems:
                self._by_stem.setdefault(one, []).append(anchor)

    def covering(self, wanted: frozenset[str], verb: str = "", cadence: str = "") -> Anchor | None:
        """The place that says how to do something: it names more than half of what is wanted, and the action where one must be named."""
        counts: Counter[Anchor] = Counter()
        for one in wanted:
            counts.update(self._by_stem.get(one, ())[:_MOST_PLACES])
        enough = (
            (count, -anchor.line, anchor)
            for anchor, count in counts.items()
            if count * 2 > len(wanted) and (not verb or verb in anchor.stems) and (not cadence or anchor.cadence == cadence)
        )
        best = max(enough, key=lambda entry: entry[:2], default=None)
        return best[2] if best else None


_MOST_PLACES = 500
"""A word that more places than this have tells nothing of any of them."""


def stem(word: str) -> str:
    """The first five letters in small letters, without the plural's s; words that mean the same have one stem."""
    bare = word.lower()
    bare = bare[:-1] if len(bare) > 3 and bare.endswith("s") and not bare.endswith("ss") else bare
    short = bare[:5]
    return "verif" if bare in ("check", "confirm", "validate", "validation", "verify", "verification") else _SAME.get(short, short)


def words_of(text: str) -> list[str]:
    """The words of a text in small letters."""
    return re.findall(r"[A-Za-z][A-Za-z0-9]*", text.replace("_", " "))


def stems(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning."""
    return frozenset(stem(word) for word in words_of(text) if word.lower() not in _EMPTY and len(word) > 1)


def bare(text: str) -> str:
    """A step without its number, bullet or checkbox."""
    return _PREFIX.sub("", text.strip()).strip("*_ ")


def verb_of(text: str) -> str:
    """The verb in the imperative that a step begins with; empty where it begins with none."""
    found = words_of(bare(text)[:80])
    while found and found[0].lower() in _ADVERBS:
        found = found[1:]
    return found[0].lower() if found and found[0].lower() in VERBS else ""


def objects(text: str) -> frozenset[str]:
    """What a step is about: its stems without its verb, and without a second verb (rotate and archive logs)."""
    verb = verb_of(text)
    second = re.match(r"[\w-]+\s*(?:and|or|/|,)\s*([\w-]+)\s+\w", bare(text))
    also = second[1].lower() if second and second[1].lower() in VERBS else ""
    return stems(bare(text)) - {stem(word) for word in (verb, also) if word}


def titles(manual: Manual, line: int) -> tuple[str, ...]:
    """The titles of the sections around a line, without that of the document."""
    path = manual.section_of(line).path
    return path[1:] if len(path) > 1 else path


def below_cadence(manual: Manual, line: int) -> bool:
    """Whether a line stands below a heading that says how often."""
    return any(CADENCE.search(title) for title in titles(manual, line))


def cadence_of(manual: Manual, line: int) -> str:
    """daily, weekly, monthly ... of the nearest heading; empty where there is none."""
    for title in reversed(titles(manual, line)):
        found = CADENCE.search(title)
        if found and found[1].lower() not in ("routine", "checklist", "checklists"):
            return found[1].lower()
    return ""


def is_work(manual: Manual, line: int) -> bool:
    """Whether a line stands where somebody is to do something: below a cadence or a heading of work, not below one that describes."""
    around = titles(manual, line)
    if not around or (NO_WORK.search(around[-1]) and not any(CADENCE.search(title) for title in around)):
        return False
    if any(re.search(r"best practices?|principles|overview|conclusion|to-?do|contents|documentation", title, re.I) for title in around):
        return False
    return any(CADENCE.search(title) or WORK.search(title) for title in around)


def with_commands(manual: Manual) -> frozenset[int]:
    """The sections that themselves, not only their subsections, show a command: the lines of their headings."""
    shown = (fence for fence in manual.fences if (fence.script or fence.statements) and _shows_commands(fence.content))
    return frozenset(manual.section_of(fence.line).line for fence in shown)


def _shows_commands(content: str) -> bool:
    return any(line.strip() and not line.lstrip().startswith("#") for line in content.split("\n"))


def places_of(manual: Manual) -> Places:
    """Every place that says how something is done."""
    cadences = {section.line: cadence_of(manual, section.line) for section in manual.all_sections}
    return Places(Anchor(found, line, cadences.get(manual.section_of(line).line, "")) for found, line in _anchors(manual))


def _anchors(manual: Manual) -> Iterator[tuple[frozenset[str], int]]:
    commanded = with_commands(manual)
    for section in manual.all_sections:
        if section.line in commanded:
            yield (stems(" ".join(section.path[1:] or section.path)), section.line)
    for item in manual.of(Kind.COMMENT):
        if answered(manual, item.line):
            yield (stems(item.text), item.line)
    for command in manual.commands:
        said = " ".join(word.filled for word in command.arguments) if command.name in ("echo", "printf") else ""
        if said and not re.search(r"complet|success|fail|done\b|finish|===", said, re.I):
            yield (stems(said), command.line)
    for use in manual.names.files:
        if use.how in ("defined", "executed"):
            yield (stems(use.name.rpartition(".")[0]), use.line)


def answered(manual: Manual, line: int) -> bool:
    """Whether the comment on a line of a fence has a command: the next line that is no comment, before a gap, says something."""
    while True:
        line += 1
        text = manual.line_text(line).strip()
        if text.startswith(("#", "//", "--")) and not text.startswith("#!"):
            continue
        return bool(text) and text not in NO_COMMAND and not text.startswith(("```", "~~~"))


NO_COMMAND = frozenset(("fi", "done", "esac", "}", ";;", "else", ")", "then", "do"))
"""Words of the shell that close or open a block and do nothing."""


def list_items(manual: Manual, *kinds: Kind) -> tuple[Item, ...]:
    """List items (or other kinds) that stand for themselves: not questions, not those that introduce a deeper list."""
    return tuple(item for item in manual.of(*(kinds or (Kind.LIST_ITEM,))) if not item.text.rstrip().endswith(("?", ":")))


def place(manual: Manual, line: int, text: str) -> tuple[int, int]:
    """Column and width of a text on a line; (0, 1) where it is not there as written."""
    at = manual.line_text(line).find(text)
    return (at + 1, len(text)) if at >= 0 and text else (0, 1)
