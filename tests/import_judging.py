"""What tests of import share that ask all recognisers at once: the commands of a small manual, and what becomes of each."""

from collections.abc import Mapping
from dataclasses import dataclass

from keepwell.rooms.manual.importing.capabilities import CAPABILITIES
from keepwell.rooms.manual.importing.model import CheckDraft, Found
from keepwell.rooms.manual.importing.outcomes import Recognisers
from keepwell.rooms.manual.importing.registry import all_recognisers
from keepwell.rooms.manual.importing.views import views
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.model import Kind
from tests.importing_support import validate

_RUNS = (Kind.COMMAND, Kind.ASSIGNMENT)


@dataclass(frozen=True)
class Case:
    """A line, and what is expected of it: its fate, its first capability, its typed operation (empty: it stays shell)."""

    line: str
    fate: str
    capability: str
    operation: str = ""
    section: str = "Operations"

    def __str__(self) -> str:
        return f"{self.section}: {self.line}"


def judged(shell: str, section: str = "Operations", values: Mapping[str, str] | None = None) -> list[Found]:
    """What becomes of each command and assignment. Every check that is drafted must be one that keepwell.yaml could hold."""
    manual = read_manual(f"# Shop\n\n## {section}\n\n```bash\n{shell}\n```\n".encode(), "shop.md")
    recognisers = Recognisers(all_recognisers())
    found = [recognisers.find(view) for view in views(manual, values) if view.item.kind in _RUNS]
    for one in found:
        assert one.capabilities, one
        assert set(one.capabilities) <= CAPABILITIES
        for draft in one.drafts:
            if isinstance(draft, CheckDraft) and not one.missing:
                validate(draft)
    return found


def last(shell: str, section: str = "Operations", values: Mapping[str, str] | None = None) -> Found:
    """What becomes of the last command."""
    return judged(shell, section, values)[-1]


def holds(case: Case) -> None:
    """Fails where the last command of the case becomes something else."""
    found = last(case.line, case.section)
    assert (found.fate.value, found.capabilities[0], found.operation) == (case.fate, case.capability, case.operation)
