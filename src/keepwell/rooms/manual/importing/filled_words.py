"""Words of a command with what is known put in and what is missing named, and what is piped behind a command. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from keepwell.rooms.manual.reading.shell_model import ShellCommand, Word

from .model import CheckDraft, Disposition, Fate, Found, Missing, View, Wanting
from .placeholders import missing_in

_DIAGNOSIS = re.compile(r"\b(?:diagnos[ei]|mitigat|investigat|remediat)|^(?:\d+[.)] *)?(?:troubleshoot|debug|meaning$|impact$|resolution$)")

WORKING_FOLDER = "WORKING_FOLDER"


def working_folder(written: str) -> Missing:
    """The folder that relative names mean; recognisers ask for it by one name, so that it is filled in once."""
    asks = "The folder in which the manual's relative paths stand"
    return Missing(WORKING_FOLDER, Wanting.VALUE, written, asks, "path")


def options(text: str) -> frozenset[str]:
    """A set of options from a line of them."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Filled:
    """Words with what is known put in. ``missing`` is what nobody supplied; ``static``: nothing in them is known only when it runs."""

    texts: tuple[str, ...]
    missing: tuple[Missing, ...] = ()
    static: bool = True

    @property
    def ready(self) -> bool:
        """Whether they can be run as they are."""
        return self.static and not self.missing

    @property
    def text(self) -> str:
        """The first of them; empty where there is none."""
        return self.texts[0] if self.texts else ""


def fill(view: View, *words: Word) -> Filled:
    """The words with constants of the script and values of ``keepwell fill`` in them."""
    texts: list[str] = []
    missing: dict[str, Missing] = {}
    static = True
    for word in words:
        text, wanting = _fill_one(view, word)
        texts.append(text)
        missing |= {entry.name: entry for entry in wanting}
        left = text
        for entry in wanting:
            left = _replaced(left, entry, "")
        static = static and (view.text(word) is not None or not ("$" in left or "`" in left))
    return Filled(tuple(texts), tuple(missing.values()), static)


def _fill_one(view: View, word: Word) -> tuple[str, tuple[Missing, ...]]:
    known = view.text(word)
    text = word.filled if known is None else known
    wanting = missing_in(replace(view, values={}), text)
    if known is not None:  # a dollar sign that is left there is plain text
        wanting = tuple(entry for entry in wanting if not entry.written.startswith("$"))
    for entry in wanting:
        if entry.name in view.values:
            text = _replaced(text, entry, view.values[entry.name])
    return text, tuple(entry for entry in wanting if entry.name not in view.values)


def _replaced(text: str, entry: Missing, value: str) -> str:
    if entry.written.startswith("$"):
        text = text.replace("${" + entry.written[1:] + "}", value)
    return text.replace(entry.written, value)


def whole(command: ShellCommand) -> tuple[Word, ...]:
    """All words of a command, those of its wrappers (``sudo``) first."""
    return (*command.wrapper_words, *command.words)


def is_here(command: ShellCommand) -> bool:
    """Whether it runs on the host itself: not in a container, not behind ssh."""
    return not any(wrapper == "ssh" or " " in wrapper or wrapper == "chroot" for wrapper in command.wrappers)


def step(view: View, capabilities: tuple[str, ...], operation: str = "", fate: Fate = Fate.STEP, reason: str = "") -> Found:
    """Something that is done. It waits for what is left to be filled in."""
    words = [word for command in view.pipeline for word in whole(command)]
    missing = fill(view, *words).missing
    disposition = Disposition.MISSING if missing else Disposition.CARRIED
    return Found(fate, capabilities, operation, (), disposition, reason, missing)


def look(view: View, capabilities: tuple[str, ...], operation: str, draft: CheckDraft | None, filled: Filled, reason: str = "") -> Found:
    """Something that only looks. It waits for what is left to be filled in; what is known only when it runs is no check."""
    disposition = Disposition.MISSING if filled.missing else Disposition.CARRIED
    drafts = (draft,) if draft is not None and filled.static else ()
    return Found(Fate.CHECK, capabilities, operation, drafts, disposition, reason, filled.missing)


def knows(command: ShellCommand, flags: Iterable[str]) -> bool:
    """Whether each option of a command is among those given."""
    known = frozenset(flags)
    return all(flag in known for flag in command.flags)


_FILTERS: Mapping[str, frozenset[str]] = {
    program: frozenset(flags.split())
    for program, flags in {
        "grep": "-i -v -E -F -P -c -q -n -o -w -x -e -A -B -C -m -h -H -s -r --color --ignore-case --invert-match --count --quiet",
        "head": "-n -c -q",
        "tail": "-n -c -q",
        "wc": "-l -w -c -m",
        "sort": "-n -r -h -k -u -t -V -f -b -g --reverse --numeric-sort",
        "uniq": "-c -d -u -i",
        "cut": "-d -f -c -b",
        "tr": "-d -s -c",
        "awk": "-F -v",
        "sed": "-n -e -E -r",
        "jq": "-r -e -c -s -S -M -C --raw-output --exit-status --compact-output --slurp --sort-keys --arg",
        "less": "-R -S -F -X",
        "more": "",
        "cat": "",
        "column": "-t -s",
        "tee": "-a",
    }.items()
}
_ALIKE = {"egrep": "grep", "fgrep": "grep", "gawk": "awk", "mawk": "awk"}


def is_filter(command: ShellCommand) -> bool:
    """Whether a command only narrows down or lays out what is piped into it, and all its options are understood."""
    name = _ALIKE.get(command.name, command.name)
    if name not in _FILTERS:
        return False
    numbers = name in ("head", "tail")  # head -20
    return all(flag in _FILTERS[name] or (numbers and flag[1:].isdigit()) for flag in command.flags)


def understood_behind(command: ShellCommand) -> bool:
    """Whether all that is piped behind a command only narrows down or lays out what it says."""
    return all(is_filter(other) for other in command.pipeline[command.position + 1 :])


def to_file(command: ShellCommand) -> bool:
    """Whether what the pipeline says goes into a file rather than to a person or a judgement."""
    last = command.pipeline[-1]
    if last.name == "tee" or any(use.of_output and use.writes and not use.discards for use in last.redirections):
        return True
    return command.inside is not None and to_file(command.inside)


def in_diagnosis(view: View) -> bool:
    """Whether it belongs to the runbook of an alert, which is read when the alert has fired: it is looked at then, not all the time."""
    return any(_DIAGNOSIS.search(title.lower()) for title in view.item.section)
