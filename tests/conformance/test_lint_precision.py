"""Every finding on the real manuals has its verdict in docs/lint-precision/, and at least nine of ten are right."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.serving import keepwell
from tests.support import outside

TABLES = Path(__file__).resolve().parents[2] / "docs" / "lint-precision"
WANTED = 0.9
"""The share of right findings that is wanted, over all manuals."""

Verdicts = Counter[tuple[int, str]]


def verdicts(text: str) -> tuple[Verdicts, Counter[str]]:
    """The judged findings of a table by line and rule, and how many of each verdict there are."""
    rows = re.findall(r"^\|\s*(\d+)\s*\|\s*(\w+)\s*\|\s*(right|wrong)\s*\|\s*\S", text, re.M)
    return Counter((int(line), rule) for line, rule, _ in rows), Counter(verdict for _, _, verdict in rows)


def judged(document: str) -> Verdicts:
    """What was judged of a manual: a table of its own, or a section of its folder's page."""
    folder, _, name = document.rpartition("/")
    if not folder:
        return verdicts((TABLES / document).read_text("utf-8"))[0]
    sections = re.split(r"^## ", (TABLES / f"{folder}.md").read_text("utf-8"), flags=re.M)
    return verdicts(next((section for section in sections if section.startswith(name)), ""))[0]


DOCUMENTS = ["audiodeck-connect.md", "smart-campus-assistant.md", "speech-to-text.md", "voice-agent.md", "whisper-background-server.md"]


@pytest.mark.parametrize("place", [*DOCUMENTS, "openshift", "prometheus-operator"])
def test_every_finding_was_judged_and_nothing_else(place: str) -> None:
    root = outside("manuals")
    paths = sorted((root / place).glob("*.md")) if (root / place).is_dir() else [root / place]
    done = keepwell("lint", "--format", "json", *map(str, paths))
    assert done.returncode in (0, 1), done.stderr
    said: dict[str, Verdicts] = {path.relative_to(root).as_posix(): Counter() for path in paths}
    for finding in json.loads(done.stdout):
        said[Path(finding["file"]).relative_to(root).as_posix()][finding["line"], finding["rule"]] += 1
    assert {name: found - judged(name) for name, found in said.items() if found - judged(name)} == {}, "found, and not judged"
    assert {name: judged(name) - found for name, found in said.items() if judged(name) - found} == {}, "judged, and no longer found"


def test_nine_of_ten_are_right() -> None:
    total: Counter[str] = Counter()
    for path in TABLES.glob("*.md"):
        text = path.read_text("utf-8")
        found = verdicts(text)[1]
        said = re.search(r"(\d+) findings?: (\d+) right, (\d+) wrong", text)
        assert said is not None, path.name
        assert [int(number) for number in said.groups()] == [found.total(), found["right"], found["wrong"]], path.name
        total += found
    assert total["right"] / total.total() >= WANTED
    index = (TABLES.parent / "lint-precision.md").read_text("utf-8")
    assert f"{total.total()} findings, {total['right']} right, {total['wrong']} wrong" in index
