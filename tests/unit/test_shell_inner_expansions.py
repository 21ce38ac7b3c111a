"""Words such as ``$A/$B/x``, at whose second ``$`` the grammar would end the word."""

import pytest

from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.shell_model import Script


def read(line: str) -> Script:
    return read_manual(f"# T\n\n```bash\nA=/b\nB=n-$(date +%F)\n{line}\n```\n", "t.md").scripts[0]


@pytest.mark.parametrize(
    ("line", "expected", "variables"),
    [
        ("cp x $A/$B/", "/b/n-$(date +%F)/", ("A", "B")),
        ("cp x $A/$B.tar.gz", "/b/n-$(date +%F).tar.gz", ("A", "B")),
        ('cp x "$A"/$B/y', "/b/n-$(date +%F)/y", ("A", "B")),
        ("cp x $A/$B/$C/d", "/b/n-$(date +%F)/$C/d", ("A", "B", "C")),
        ("cp x $A/$B", "/b/n-$(date +%F)", ("A", "B")),
        ("cp x '$A/$B/y'", "$A/$B/y", ()),
        ('cp x "$A/$B/y"', "/b/n-$(date +%F)/y", ("A", "B")),
    ],
)
def test_one_word_stays_one(line: str, expected: str, variables: tuple[str, ...]) -> None:
    words = read(line).commands[-1].words
    assert [word.filled for word in words] == ["cp", "x", expected]
    assert words[-1].variables == variables


def test_targets_and_values_too() -> None:
    script = read("X=$A/$B/c\npg_dump shop > $A/$B/m.sql # don't look at $A/$B/x")
    assert [one.value.filled for one in script.assigned("X") if one.value] == ["/b/n-$(date +%F)/c"]
    assert script.commands[-1].redirections[0].target.filled == "/b/n-$(date +%F)/m.sql"
    assert script.comments[-1].text == "don't look at $A/$B/x"
