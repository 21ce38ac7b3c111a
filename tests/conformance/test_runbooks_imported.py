"""What import makes of the five manuals can be run: each runbook is read without a fault, each step has a way, and what the catalogue calls
destructive in AudioDeck's playbooks asks for a permission or is refused."""

from pathlib import Path

import pytest

from keepwell.composition import verbs
from keepwell.composition.runbook_texts import ready_in
from keepwell.rooms.runbooks.model import Ready, Way
from tests.serving import keepwell
from tests.support import outside

MANUALS = ("audiodeck-connect", "smart-campus-assistant", "speech-to-text", "voice-agent", "whisper-background-server")
PLAYBOOKS = {
    "p1-critical-incident-response": ("AD-090",),
    "service-recovery": ("AD-096", "AD-098"),
    "database-configuration-recovery": ("AD-099", "AD-100"),
    "log-corruption-recovery": ("AD-101", "AD-102"),
    "automated-backup-script": ("AD-111",),
    "full-system-recovery": ("AD-114", "AD-115", "AD-116"),
    "security-updates": ("AD-124", "AD-125"),
}
"""The runbooks of AudioDeck that have rows which the catalogue calls destructive."""


def imported(folder: Path, manual: str) -> dict[str, Ready]:
    """The runbooks that import makes of a manual, by their names."""
    done = keepwell("import", str(outside("manuals", f"{manual}.md")), "--output", str(folder / manual), "--data", str(folder / "data"))
    assert done.returncode in (0, 1), done.stderr
    found = ready_in(verbs.load(str(folder / manual)), "ops")
    return {ready.path.removeprefix("runbooks/").removesuffix(".md"): ready for ready in found}


@pytest.mark.parametrize("manual", MANUALS)
def test_every_runbook_is_read(tmp_path: Path, manual: str) -> None:
    found = imported(tmp_path, manual)
    assert found
    assert {name: ready.fault for name, ready in found.items() if ready.fault} == {}
    for ready in found.values():
        assert ready.steps
        for step in ready.steps:
            assert (step.executable is not None) == (step.way in (Way.SHELL, Way.SERVICE)), step


def test_what_the_catalogue_calls_destructive_is_not_done_without_asking(tmp_path: Path) -> None:
    found = imported(tmp_path, "audiodeck-connect")
    unasked = [name for name in PLAYBOOKS if not any(step.danger or step.way in (Way.REFUSED, Way.MISSING) for step in found[name].steps)]
    assert unasked == []
    assert [step.danger for step in found["p1-critical-incident-response"].steps] == ["changes a service"]
