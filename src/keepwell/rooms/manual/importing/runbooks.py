"""Which sections become runbooks, and how their shell is divided into steps. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from keepwell.rooms.manual.reading.model import Fence, Kind, Manual, Section
from keepwell.rooms.manual.reading.shell_model import Script

from .model import Amendment, Disposition, Fate, Outcome, Wanting
from .names import slug, unused
from .views import cadence_in
from .wording import leads_in

_WORK = (Fate.STEP, Fate.BACKUP, Fate.LOGS, Fate.CHECKLIST, Fate.TEMPLATE)
_RUNS = (Kind.COMMAND, Kind.CRON)
_AROUND = (Kind.HEADING, Kind.FENCE, Kind.COMMENT)
"""What only stands around the work: by itself it makes no runbook."""
_SHELL = ("shell", "console")
_SEARCHES = ("grep", "egrep", "fgrep", "zgrep")
_NO_FAILURE = "Corrected: a search that finds nothing ends with 1, which is no failure, and the script goes on"
_RANK = {Disposition.REFUSED: 0, Disposition.MISSING: 1, Disposition.CORRECTED: 2, Disposition.CARRIED: 3, Disposition.HUMAN: 4}


@dataclass(frozen=True, slots=True)
class Step:
    """A step: shell as it will be written, of these lines of the manual. ``items`` are the numbers (in the order of the manual) of what it
    carries; ``attributes`` are flat strings."""

    name: str
    line: int
    end_line: int
    text: str
    attributes: Mapping[str, str]
    language: str = "sh"
    notes: tuple[str, ...] = ()
    """Sentences for the reader, to stand above it: what was corrected or refused, and why."""


@dataclass(slots=True)
class Runbook:
    """A runbook: the section it is made of, its file's name without folder, and its steps by the line of their fence."""

    name: str
    section: Section
    cadence: str
    steps: dict[int, list[Step]] = field(default_factory=dict)
    boxes: dict[int, int] = field(default_factory=dict)
    """The last line of each entry of a list that is written as a line of a checklist, by its first line."""

    @property
    def path(self) -> str:
        """Its file below the operations directory."""
        return f"runbooks/{self.name}.md"

    @property
    def shell(self) -> str:
        """The text of all its steps."""
        return "\n".join(step.text for steps in self.steps.values() for step in steps)

    def step_at(self, line: int) -> Step | None:
        """The step that a line of the manual is in."""
        return next((step for steps in self.steps.values() for step in steps if step.line <= line <= step.end_line), None)


def make_runbooks(manual: Manual, outcomes: Sequence[Outcome]) -> list[Runbook]:
    """The runbooks of a manual, in its order. A section whose commands all became checks needs none."""
    sections = {section.line: section for section in manual.all_sections}
    stated = _stated(manual)
    recurring = [section for section in manual.all_sections if section.level > 1 and section.line in stated]
    notes = notes_to_do(manual, outcomes)
    wanted: dict[int, None] = {}
    for outcome in outcomes:
        if outcome.found.fate in _WORK and (outcome.item.kind not in _AROUND or outcome.item.line in notes):
            wanted[_home(manual, outcome.item.line, recurring, stated).line] = None
    names: set[str] = set()
    made: list[Runbook] = []
    by_line = _by_line(outcomes)
    for line in sorted(wanted):
        section = sections[line]
        inside = _inside(section, sections, wanted)
        name = unused(slug(section.title) or "runbook", names)
        names.add(name)
        runbook = Runbook(name, section, stated.get(line) or next(filter(None, map(cadence_in, reversed(section.path))), ""))
        for fence in manual.fences:
            own = section.line <= fence.line <= section.end_line and not any(part.line <= fence.line <= part.end_line for part in inside)
            if own and fence.script is not None and fence.language in _SHELL:
                runbook.steps[fence.line] = list(_steps(fence, by_line, runbook))
        made.append(runbook)
    return made


def _stated(manual: Manual) -> dict[int, str]:
    """The cadence that a section states itself, by the section's line: its title does, or the one cadence of the sentences that lead its
    work in (``Every Friday, perform:``)."""
    stated = {section.line: cadence_in(section.title) for section in manual.all_sections}
    led: dict[int, set[str]] = {}
    for item in manual.items:
        if item.kind is Kind.PARAGRAPH and leads_in(item.text):
            led.setdefault(manual.section_of(item.line).line, set()).add(cadence_in(item.text[:200]))
    for line, cadences in led.items():
        if not stated.get(line) and len(cadences) == 1:
            stated[line] = next(iter(cadences))
    return {line: cadence for line, cadence in stated.items() if cadence}


def notes_to_do(manual: Manual, outcomes: Sequence[Outcome]) -> frozenset[int]:
    """The lines of comments that ask a person for something, in fences that hold nothing else: such a fence is a checklist."""
    bare = [fence for fence in manual.fences if fence.language in _SHELL and fence.script is not None and not fence.script.commands]
    lines = {line for fence in bare if not (fence.script and fence.script.assignments) for line, _ in fence.lines}
    return frozenset(
        outcome.item.line
        for outcome in outcomes
        if outcome.item.kind is Kind.COMMENT and outcome.item.line in lines and outcome.found.disposition is Disposition.HUMAN
    )


def _home(manual: Manual, line: int, recurring: Sequence[Section], stated: Mapping[int, str]) -> Section:
    """The section whose runbook a line belongs to: the outermost below the title that states a cadence, else its own. One below it that
    states another cadence has a runbook of its own: what is done on Fridays must not run with what is done on Mondays."""
    own = manual.section_of(line)
    home = own
    for section in recurring:
        within = section.line <= line <= section.end_line
        if within and (home is own or stated[section.line] != stated[home.line]):
            home = section
    return home


def _inside(section: Section, sections: Mapping[int, Section], wanted: Mapping[int, None]) -> list[Section]:
    """The sections below it that have runbooks of their own."""
    return [sections[line] for line in wanted if section.line < line <= section.end_line]


def _by_line(outcomes: Sequence[Outcome]) -> dict[int, list[Outcome]]:
    found: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.item.kind is not Kind.FENCE:
            found.setdefault(outcome.item.line, []).append(outcome)
    return found


def _steps(fence: Fence, by_line: Mapping[int, Sequence[Outcome]], runbook: Runbook) -> Iterator[Step]:
    names = {step.name for steps in runbook.steps.values() for step in steps}
    for first, last in _pieces(fence):
        held = [outcome for line in range(first, last + 1) for outcome in by_line.get(line, ())]
        runs = [outcome for outcome in held if outcome.item.kind in (*_RUNS, Kind.ASSIGNMENT)]
        if not runs:
            continue
        name = unused(_step_name(fence, held, runs), names)
        names.add(name)
        text, notes = _amended(_text(fence, first, last), held, _searches(fence, first, last))
        yield Step(name, first, last, text, _attributes(name, first, runs), language(fence.script), tuple(notes))


def _text(fence: Fence, first: int, last: int) -> str:
    """The lines of a step as they are written. Of what was copied from a terminal the commands only, without their prompts: what they
    printed then is nothing to run."""
    inside = slice(first - fence.first, last - fence.first + 1)
    if fence.script is not None and fence.script.origin == "console":
        typed = [line.strip() for line in fence.script.code.split("\n")[inside] if line.strip()]
        if typed:
            return "\n".join(typed)
    return "\n".join(fence.content.split("\n")[inside])


def language(script: Script | None) -> str:
    """The shell that a step is written for: bash, unless the script says sh."""
    return "sh" if script is None or script.language in ("sh", "dash") else "bash"


def _pieces(fence: Fence) -> list[tuple[int, int]]:
    """The lines of each step: a script is one; lines to paste are divided where an empty line is followed by a comment."""
    script = fence.script
    content = fence.lines
    last = fence.first + len(content) - 1
    if script is None or script.complete or script.blocks or script.assignments or script.errors:
        return [(fence.first, last)]
    inner = [command for command in script.commands if command.end_line > command.line]
    comments = {note.line for note in script.comments if not note.trailing}
    starts = [fence.first]
    for number, text in content:
        before = content[number - 1 - fence.first][1] if number > fence.first else "x"
        within = any(command.line < number <= command.end_line for command in inner)
        if number > fence.first and not before.strip() and number in comments and text.strip() and not within:
            starts.append(number)
    return list(zip(starts, [*(start - 1 for start in starts[1:]), last], strict=True))


def _step_name(fence: Fence, held: Sequence[Outcome], runs: Sequence[Outcome]) -> str:
    if fence.file:
        return slug(fence.file.rpartition("/")[2].rpartition(".")[0]) or "script"
    comment = next((outcome.item.text for outcome in held if outcome.item.kind is Kind.COMMENT), "")
    return slug(comment) or slug(runs[0].item.text[:60]) or "step"


def _attributes(name: str, line: int, runs: Sequence[Outcome]) -> dict[str, str]:
    attributes = {"name": name, "line": str(line)}
    if len(runs) == 1 and runs[0].found.operation:
        attributes["operation"] = runs[0].found.operation
    worst = min((outcome.found.disposition for outcome in runs), key=lambda disposition: _RANK[disposition])
    if worst is not Disposition.CARRIED:
        attributes["disposition"] = worst.value
    rules = dict.fromkeys(amendment.rule for outcome in runs for amendment in outcome.amendments)
    if rules:
        attributes["rule"] = " ".join(rules)
    missing = dict.fromkeys(
        missing.name for outcome in runs for missing in outcome.found.missing if missing.wanting is not Wanting.ARGUMENT
    )
    asked = dict.fromkeys(missing.name for outcome in runs for missing in outcome.found.missing if missing.wanting is Wanting.ARGUMENT)
    if missing:
        attributes["missing"] = " ".join(missing)
    if asked:
        attributes["asks"] = " ".join(asked)
    return attributes


def _searches(fence: Fence, first: int, last: int) -> list[str]:
    """Commands of a step that show what a search finds, where nothing asks for its status: finding nothing is no failure of theirs."""
    return [
        command.text
        for command in (fence.script.commands if fence.script is not None else ())
        if first <= command.line <= last
        and (command.name in _SEARCHES and command.is_last and not command.depth)
        and not command.has_flag("-q", "--quiet", "--silent")
        and (command.status.how == "ignored" and not command.negated)
    ]


def _amended(text: str, held: Sequence[Outcome], searches: Sequence[str]) -> tuple[str, list[str]]:
    amendments = [amendment for outcome in held for amendment in outcome.amendments]
    notes = [_note(amendment) for amendment in amendments]
    for amendment in amendments:
        if amendment.where == "text" and amendment.after and amendment.before in text:
            text = text.replace(amendment.before, amendment.after)
    for head in dict.fromkeys(amendment.after for amendment in amendments if amendment.where == "head"):
        if head not in text:
            lenient = _going_on(text, searches)
            notes += [_NO_FAILURE] * (lenient != text)
            text = _with_head(lenient, head)
    return text, list(dict.fromkeys(notes))


def _going_on(text: str, searches: Sequence[str]) -> str:
    """The script with what lets it go on where a search found nothing: 1 is the status of that, 2 that of a failure (POSIX grep). What a
    search reads from may still fail, so that the braces are around the search alone."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        search = next((search for search in searches if line.rstrip().endswith(search)), None)
        if search is not None:
            lines[number] = f"{line.rstrip().removesuffix(search)}{{ {search} || [ $? -eq 1 ]; }}"
    return "\n".join(lines)


def _with_head(text: str, line: str) -> str:
    """The script with a line before its first command: behind the shebang and the comments at its head."""
    lines = text.split("\n")
    at = next((number for number, content in enumerate(lines) if content.strip() and not content.lstrip().startswith("#")), len(lines))
    return "\n".join([*lines[:at], line, *lines[at:]])


def _note(amendment: Amendment) -> str:
    if amendment.where == "elsewhere":
        return f"Carried by {amendment.after} ({amendment.rule}): {amendment.reason}"
    what = f"Corrected ({amendment.rule})" if amendment.after else f"Refused ({amendment.rule})"
    return f"{what}: {amendment.reason}"
