"""Names of rotated files: what moves where, what is compressed, what goes."""

import random

import pytest

from keepwell.rooms.logs.decide import Slot, dated_of, is_rotated, room_for_one, slots_of, to_drop, to_pack

NAMES = [
    "app.log",
    "app.log.1",
    "app.log.10.gz",
    "app.log.2.gz",
    "app.log.2.gz.part",
    "app.log.01",
    "app.log.x",
    "app.login.1",
    "other.log.1",
]


def test_only_numbered_names_are_rotated_files() -> None:
    assert slots_of("app.log", NAMES) == [Slot(1, "app.log.1"), Slot(2, "app.log.2.gz"), Slot(10, "app.log.10.gz")]
    assert dated_of("app.log", ["app.log-20260105", "app.log-2026-01-04.gz", "app.log-old", "app.log.1"]) == [
        "app.log-20260105",
        "app.log-2026-01-04.gz",
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app.log", False),
        ("app.log.1", True),
        ("app.log.2.gz", True),
        ("app.log.9.gz.part", True),
        ("b.log.1", False),
        ("app.log-20260105", True),
    ],
)
def test_what_is_rotated_of_another_file_is_no_log_of_its_own(name: str, expected: bool) -> None:
    assert is_rotated(name, frozenset(["app.log", name])) is expected


def test_files_move_up_to_the_first_free_number_only() -> None:
    slots = slots_of("a", ["a.1", "a.2.gz", "a.4"])
    assert room_for_one(slots, "a") == [("a.2.gz", "a.3.gz"), ("a.1", "a.2")]
    assert room_for_one([], "a") == []
    assert room_for_one(slots_of("a", ["a.2"]), "a") == []


def test_interrupted_anywhere_every_file_is_there_once_and_number_one_gets_free() -> None:
    chance = random.Random(8)
    for _ in range(200):
        names = {f"a.{number}{chance.choice(['', '.gz'])}": number for number in chance.sample(range(1, 12), chance.randint(0, 8))}
        count = len(names)
        while renames := room_for_one(slots_of("a", names), "a"):
            for old, new in renames[: chance.randint(1, len(renames))]:
                assert new not in names
                names[new] = names.pop(old)
        assert len(names) == count
        assert not {"a.1", "a.1.gz"} & names.keys()
        ordered = [names[slot.name] for slot in slots_of("a", names)]
        assert ordered == sorted(ordered)


def test_what_is_compressed_and_what_goes() -> None:
    slots = slots_of("a", ["a.1", "a.2", "a.3.gz", "a.4"])
    assert [slot.name for slot in to_pack(slots, 1)] == ["a.2", "a.4"]
    assert [slot.name for slot in to_pack(slots, 0)] == ["a.1", "a.2", "a.4"]
    assert to_pack(slots, None) == []
    assert [slot.name for slot in to_drop(slots, 2)] == ["a.4", "a.3.gz"]
    assert to_drop(slots, None) == []
