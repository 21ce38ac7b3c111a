"""Every recogniser of commands knows its own example; and none of them trips over odd words."""

import pytest

from keepwell.rooms.manual.importing.model import CheckDraft, Recogniser
from keepwell.rooms.manual.importing.outcomes import Recognisers
from keepwell.rooms.manual.importing.registry import all_recognisers
from keepwell.rooms.manual.importing.views import views
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.model import Kind
from tests.import_judging import judged

_NAMES = (
    "systemctl journalctl disk memory processes system_information packages certbot scanners git github npm cargo accounts permissions "
    "editors shell_words shell_tests assignments sysctl java mail functions"
)
_MINE = [recogniser for recogniser in all_recognisers() if recogniser.name in _NAMES.split()]
_ODD_WORDS = (
    "",
    "''",
    "--",
    "-",
    "$(rm -rf /)",
    "`id`",
    "$UNSET",
    '"$@"',
    "<host>",
    "../../etc/passwd",
    "*",
    "{a,b}",
    "'\x1b[31m'",
    "169.254.169.254",
    "~root",
    "--flag='x y'",
    "\\",
    "&& true",
    "| head",
    "> /tmp/x",
    "<< EOF\nx\nEOF",
)


@pytest.mark.parametrize("recogniser", _MINE, ids=lambda recogniser: recogniser.name)
def test_its_example_is_known_by_it(recogniser: Recogniser) -> None:
    kinds = (Kind.COMMAND, Kind.ASSIGNMENT)
    asked = [view for view in views(read_manual(recogniser.example, "example.md")) if view.item.kind in kinds]
    assert any(recogniser.read(view) for view in asked)
    assert all(Recognisers(all_recognisers()).find(view).capabilities for view in asked)


def test_all_of_them_are_found() -> None:
    assert {recogniser.name for recogniser in _MINE} == set(_NAMES.split())


@pytest.mark.parametrize("recogniser", [one for one in _MINE if one.programs], ids=lambda recogniser: recogniser.name)
def test_odd_words_are_taken_and_what_is_not_certain_never_runs(recogniser: Recogniser) -> None:
    lines = [f"{program} {word} {other}" for program in recogniser.programs[:3] for word in _ODD_WORDS for other in ("", "x")]
    for line in lines:
        for found in judged(line):
            checks = [draft for draft in found.drafts if isinstance(draft, CheckDraft) and not found.missing]
            words = [str(word) for draft in checks for word in draft.settings.get("run", ())]
            assert not any("$" in word or "`" in word for word in words), (line, words)
