"""A fence of shell is what most of its content is."""

import pytest

from keepwell.rooms.manual.importing.fence_fates import majority, settle_fences
from keepwell.rooms.manual.importing.model import Fate, Found, Outcome
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.model import Item, Kind


@pytest.mark.parametrize(
    ("fates", "script", "wanted"),
    [
        ([], False, None),
        ([Fate.NARRATIVE], False, None),
        ([Fate.CHECK], False, Fate.CHECK),
        ([Fate.CHECK, Fate.STEP], False, Fate.STEP),
        ([Fate.CHECK, Fate.CHECK, Fate.STEP], False, Fate.CHECK),
        ([Fate.CHECK, Fate.CHECK, Fate.STEP], True, Fate.STEP),
        ([Fate.BACKUP, Fate.BACKUP, Fate.BACKUP, Fate.STEP], True, Fate.BACKUP),
        ([Fate.CHECK, Fate.LOGS], False, Fate.STEP),
    ],
)
def test_majority(fates: list[Fate], script: bool, wanted: Fate | None) -> None:
    assert majority(fates, script) is wanted


def outcomes_of(text: str, fates: dict[str, Fate], fence: Fate = Fate.STEP) -> list[Outcome]:
    def fate(item: Item) -> Fate:
        return fence if item.kind is Kind.FENCE else fates.get(item.text.split()[0], Fate.NARRATIVE)

    return [Outcome(item, Found(fate(item))) for item in read_manual(text.encode(), "x").items]


def test_talk_and_preparation_do_not_count() -> None:
    text = "```bash\nmkdir -p /x\ncd /x\necho looking\ndf -h\nfree\n```\n"
    settled = settle_fences(
        outcomes_of(text, {"mkdir": Fate.STEP, "cd": Fate.STEP, "echo": Fate.STEP, "df": Fate.CHECK, "free": Fate.CHECK})
    )
    assert settled[0].found.fate is Fate.CHECK


def test_each_fence_has_its_own_content() -> None:
    text = "```bash\ndf -h\n```\n\n```bash\nreboot\n```\n"
    settled = settle_fences(outcomes_of(text, {"df": Fate.CHECK, "reboot": Fate.STEP}))
    assert [outcome.found.fate for outcome in settled if outcome.item.kind is Kind.FENCE] == [Fate.CHECK, Fate.STEP]


def test_forms_and_examples_stay() -> None:
    text = "```bash\ndf -h\n```\n"
    assert settle_fences(outcomes_of(text, {"df": Fate.CHECK}, Fate.TEMPLATE))[0].found.fate is Fate.TEMPLATE


def test_other_languages_stay() -> None:
    text = "```yaml\na: 1\n```\n"
    assert settle_fences(outcomes_of(text, {}, Fate.EXAMPLE))[0].found.fate is Fate.EXAMPLE
