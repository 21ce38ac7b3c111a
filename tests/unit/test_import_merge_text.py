"""Runbooks and other text merged three ways: steps are taken whole, and what is open between two texts never runs."""

import random

import pytest

from keepwell.rooms.manual.importing.merge import BETWEEN, MINE, THEIRS, merge_other, merge_text
from keepwell.rooms.manual.reading.document import read_manual

BASE = """\
---
name: weekly
runs: weekly
---

# Weekly

Rotate first.

```sh {"name": "rotate"}
logrotate /etc/logrotate.conf
```

Then look.

```sh {"name": "look"}
ls -l /var/log
df -h
```

The end.
"""


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for before, after in pairs:
        assert before in text, before
        text = text.replace(before, after)
    return text


def test_changes_in_different_places_are_both_taken() -> None:
    mine = changed(BASE, ("Rotate first.", "Rotate first, please."), ("runs: weekly", "runs: weekly # on Sunday"))
    theirs = changed(BASE, ("df -h", "df -h /"), ("name: weekly", "name: each-week"))
    answer = merge_text(BASE, mine, theirs)
    assert answer.clashes == ()
    assert answer.text == changed(mine, ("df -h", "df -h /"), ("name: weekly", "name: each-week"))


def test_no_step_is_put_together_from_two() -> None:
    mine = changed(BASE, ("ls -l /var/log", "ls -la /var/log"))
    answer = merge_text(BASE, mine, changed(BASE, ("df -h", "df -h /")))
    assert [clash.place for clash in answer.clashes] == ['```sh {"name": "look"}']
    assert 'text conflict: sh {"name": "look"}\nls -la /var/log\ndf -h\n```' in answer.text
    assert 'text conflict: sh {"name": "look"}\nls -l /var/log\ndf -h /\n```' in answer.text
    assert 'sh {"name": "rotate"}\nlogrotate' in answer.text
    runs = [command.text for command in read_manual(answer.text, "weekly.md").commands]
    assert runs == ["logrotate /etc/logrotate.conf"]
    lines = answer.text.splitlines()
    assert lines.index(MINE) < lines.index(BETWEEN) < lines.index(THEIRS)
    assert all(title in answer.text for title in ("Then look.", "The end."))


def test_a_conflict_of_words_is_marked_and_merging_again_changes_nothing() -> None:
    mine, theirs = changed(BASE, ("The end.", "Our end.")), changed(BASE, ("The end.", "Another end."))
    answer = merge_text(BASE, mine, theirs)
    assert f"\n{MINE}\n\nOur end.\n\n{BETWEEN}\n\nAnother end.\n\n{THEIRS}\n" in answer.text.replace("\n\n\n", "\n\n")
    assert merge_text(theirs, answer.text, theirs).text == answer.text


def test_a_conflict_in_front_matter_keeps_it_readable() -> None:
    answer = merge_text(BASE, changed(BASE, ("runs: weekly", "runs: monthly")), changed(BASE, ("runs: weekly", "runs: daily")))
    assert answer.text.startswith("---\nname: weekly\n# import proposes: runs: daily\nruns: monthly\n---\n")
    assert len(answer.clashes) == 1


def test_without_a_base_every_difference_is_a_conflict() -> None:
    mine = changed(BASE, ("The end.", "Our end."))
    answer = merge_text(None, mine, BASE)
    assert [(clash.yours, clash.proposed) for clash in answer.clashes] == [("Our end.", "The end.")]


@pytest.mark.parametrize(
    "fence", ["~~~sh\nrm -rf /srv/{}\n~~~", "- step\n  ```sh\n  rm -rf /srv/{}\n  ```", "````sh\nrm -rf /srv/{}\n```\n````"]
)
def test_however_a_fence_is_written_nothing_of_a_conflict_runs(fence: str) -> None:
    texts = [f"# T\n\n{fence.replace('{}', name)}\n" for name in ("old", "mine", "theirs")]
    answer = merge_text(*texts)
    assert len(answer.clashes) == 1
    assert [command.text for command in read_manual(answer.text, "x.md").commands] == []
    assert "/srv/mine" in answer.text
    assert "/srv/theirs" in answer.text


def test_where_lines_do_not_show_what_a_fence_is_the_users_file_stays() -> None:
    texts = [f"> ```sh\n> ls {name}\n\n```sh\nrm -rf /srv/{name}\n```\n" for name in ("old", "mine", "theirs")]
    answer = merge_text(*texts)
    assert (answer.text, answer.proposed) == (texts[1], texts[2])
    assert len(answer.clashes) == 1


def test_a_conflict_that_nobody_settled_meets_the_next_change() -> None:
    texts = [changed(BASE, ("df -h", f"df -h /{name}")) for name in ("mine", "one", "two")]
    first = merge_text(BASE, texts[0], texts[1])
    second = merge_text(texts[1], first.text, texts[2])
    assert "conflict: text" not in second.text
    assert all(f"df -h /{name}" in second.text for name in ("mine", "one", "two"))
    assert [command.text for command in read_manual(second.text, "x").commands] == ["logrotate /etc/logrotate.conf"]


def test_steps_that_only_moved_in_the_manual_have_not_changed() -> None:
    base = '# T\n\n```sh {"name": "a", "line": "3"}\nls\n```\n\n```sh {"name": "b", "line": "9"}\ndf\n```\n'
    moved = base.replace('"3"', '"4"').replace('"9"', '"10"').replace("df", "df -h")
    answer = merge_text(base, base.replace("ls\n", "ls -l\n"), moved)
    assert (answer.text, answer.clashes) == (moved.replace("ls\n", "ls -l\n"), ())


def test_a_file_of_another_kind_stays_in_a_conflict_and_the_new_one_is_proposed() -> None:
    base = "a\nb\nc\nd\n"
    assert merge_other(base, "A\nb\nc\nd\n", "a\nb\nc\nD\n").text == "A\nb\nc\nD\n"
    answer = merge_other(base, "A\nb\nc\nd\n", "x\nb\nc\nd\n")
    assert (answer.text, answer.proposed, len(answer.clashes)) == ("A\nb\nc\nd\n", "x\nb\nc\nd\n", 1)
    assert merge_other(None, "a\n", "b\n").text == "a\n"


def test_nothing_of_either_is_lost_and_nothing_is_quadratic() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        base = [f"line {chance.randint(1, 12)}\n" for _ in range(chance.randint(0, 20))]
        mine, theirs = ([line for line in _edited(chance, base)] for _ in range(2))
        answer = merge_text("".join(base), "".join(mine), "".join(theirs))
        new = {line for line in (*mine, *theirs) if line.startswith("new")}
        assert new <= set(answer.text.splitlines(keepends=True))
        assert merge_text("".join(theirs), answer.text, "".join(theirs)).text == answer.text
    same = "same\n" * 30_000
    assert merge_text(same, "mine\n" + same, same + "theirs\n").text == "mine\n" + same + "theirs\n"


def _edited(chance: random.Random, base: list[str]) -> list[str]:
    kept = [line for line in base if chance.random() > 0.15]
    for _ in range(chance.randint(0, 3)):
        kept.insert(chance.randint(0, len(kept)), f"new {chance.randint(1, 99)}\n")
    return kept
