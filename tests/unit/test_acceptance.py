"""What a person accepted, and that nothing else counts as accepted."""

import fcntl
import os
import stat
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from keepwell.config import acceptance
from keepwell.config.acceptance import Acceptance, Acceptances, Executable, accept_in, read_acceptances, write_acceptances
from keepwell.kernel.problems import ConfigurationError

AT = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
SCRIPT = "#!/bin/sh\nset -e\n\n  df -h   # ünï\n\techo done\n"
COUNT = Executable("checks/count", SCRIPT, "http://127.0.0.1:8080", "local", "keeper")
QUEUE = Executable("checks/queue", "ls | wc -l", "", "local", "keeper")


def test_nothing_is_accepted_where_there_is_no_file(tmp_path: Path) -> None:
    acceptances = read_acceptances(tmp_path)
    assert acceptances.accepts(COUNT) is None
    assert acceptances.why_not(COUNT) == "nobody accepted it yet"


def test_what_was_accepted_is_found_again(tmp_path: Path) -> None:
    accept_in(tmp_path, [COUNT, QUEUE], by="ada", at=AT)
    acceptances = read_acceptances(tmp_path)
    assert acceptances.accepts(COUNT) == Acceptance(COUNT, "ada", AT)
    assert acceptances.accepts(QUEUE) == Acceptance(QUEUE, "ada", AT)
    assert acceptances.why_not(QUEUE) == ""
    assert acceptances.warnings == ()
    assert [path.name for path in tmp_path.iterdir()] == ["accepted.yaml"]


def test_the_file_can_be_read_by_a_person(tmp_path: Path) -> None:
    accept_in(tmp_path, [QUEUE, COUNT], by="ada", at=datetime(2026, 11, 22, 11, 30, tzinfo=timezone(timedelta(hours=1))))
    text = (tmp_path / "accepted.yaml").read_text()
    assert text.startswith("# What may run here.")
    assert text.split("accepted: 1\n")[1] == (
        f"""\
texts:
  "checks/count":
    sha256: "{COUNT.digest}"
    host: "local"
    user: "keeper"
    target: "http://127.0.0.1:8080"
    by: "ada"
    at: "2026-11-22T10:30:00Z"
"""
        + "    text: |2+\n      #!/bin/sh\n      set -e\n\n        df -h   # ünï\n      \techo done\n"
        + f"""\
  "checks/queue":
    sha256: "{QUEUE.digest}"
    host: "local"
    user: "keeper"
    target: ""
    by: "ada"
    at: "2026-11-22T10:30:00Z"
    text: "ls | wc -l"
"""
    )


def test_a_script_stands_in_the_file_as_it_is_written(tmp_path: Path) -> None:
    accept_in(tmp_path, [replace(QUEUE, text="set -e\n\n  df -h # ünï \nls\n")], by="ada", at=AT)
    assert (tmp_path / "accepted.yaml").read_text().endswith("    text: |2+\n      set -e\n\n        df -h # ünï \n      ls\n")


def test_the_digest_is_the_documented_one() -> None:
    import hashlib

    written = b'["keepwell-acceptance-1", "a", "t", "h", "u", "x\\n\\u00fc"]'
    assert Executable("a", "x\nü", "t", "h", "u").digest == hashlib.sha256(written).hexdigest()


FIELDS = ("name", "text", "target", "host", "user")


@given(st.sampled_from(FIELDS), st.text(min_size=1, max_size=20), st.data())
@settings(max_examples=200, deadline=None)
def test_any_change_of_one_character_revokes(field: str, value: str, data: st.DataObject) -> None:
    before = replace(COUNT, **{field: value})
    accepted = Acceptances({before.name: Acceptance(before, "ada", AT)})
    position = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(st.characters().filter(lambda character: character != value[position]))
    changes = [
        value[:position] + other + value[position + 1 :],
        value[:position] + value[position + 1 :],
        value[:position] + other + value[position:],
        value + "\n",
    ]
    assert accepted.accepts(before)
    for changed in changes:
        assert accepted.accepts(replace(before, **{field: changed})) is None


@given(st.lists(st.text(max_size=4), min_size=5, max_size=5), st.lists(st.text(max_size=4), min_size=5, max_size=5))
def test_no_two_executables_share_a_digest(one: list[str], other: list[str]) -> None:
    assert (Executable(*one).digest == Executable(*other).digest) == (one == other)


def test_characters_cannot_move_between_fields() -> None:
    assert Executable("a", "b", "c", "d", "e").digest != Executable("ab", "", "c", "d", "e").digest


LINES = st.text(st.sampled_from("ab \t#:|->'\"%@\\\u00fc\u4e2d"), max_size=8)
TEXTS = st.one_of(
    st.lists(LINES, max_size=5).map("\n".join), st.text(max_size=12), st.text("\n\r\x85\u2028\u2029\ufeff \ta\x00\x7f", max_size=8)
)


@given(TEXTS)
@example("a\n")
@example("a\n\n\n")
@example("\na\n")
@example("  a\nb")
@example("on\nno")
@example("---\n...\n")
@example("a\r\nb\r\n")
@example("😀\n😀😀")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_text_is_kept_to_the_letter(tmp_path: Path, text: str) -> None:
    (tmp_path / "accepted.yaml").unlink(missing_ok=True)
    executable = replace(COUNT, text=text)
    accept_in(tmp_path, [executable], by="ada", at=AT)
    kept = read_acceptances(tmp_path).accepts(executable)
    assert kept
    assert kept.executable.text == text


def test_what_yaml_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        accept_in(tmp_path, [replace(QUEUE, text="a\ud800")], by="ada", at=AT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"text": SCRIPT + "\n"}, "ada accepted it on 2026-11-22; since then its text changed in line 7"),
        ({"text": SCRIPT.replace("set -e", "set -x")}, "ada accepted it on 2026-11-22; since then its text changed in line 2"),
        ({"text": "rm -rf /"}, "ada accepted it on 2026-11-22; since then its text changed in line 1"),
        ({"user": "root"}, 'ada accepted it on 2026-11-22; since then the user was "keeper" and is "root"'),
        (
            {"host": "app1", "target": ""},
            "ada accepted it on 2026-11-22; since then "
            'the target was "http://127.0.0.1:8080" and is none and the host was "local" and is "app1"',
        ),
    ],
)
def test_why_not_says_what_changed(changes: dict[str, str], sentence: str) -> None:
    acceptances = Acceptances({COUNT.name: Acceptance(COUNT, "ada", AT)})
    assert acceptances.why_not(replace(COUNT, **changes)) == sentence


def test_a_later_acceptance_replaces_the_earlier(tmp_path: Path) -> None:
    accept_in(tmp_path, [COUNT, QUEUE], by="ada", at=AT)
    changed = replace(COUNT, text="true")
    accept_in(tmp_path, [changed], by="ben", at=AT + timedelta(days=1, microseconds=5))
    acceptances = read_acceptances(tmp_path)
    assert acceptances.accepts(COUNT) is None
    assert acceptances.accepts(changed) == Acceptance(changed, "ben", AT + timedelta(days=1, microseconds=5))
    assert acceptances.accepts(QUEUE)


def test_an_instant_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        Acceptance(COUNT, "ada", datetime(2026, 11, 22))  # noqa: DTZ001


# --- a file that is not what accept wrote ------------------------------------------------------------------------------------


def written(directory: Path) -> str:
    accept_in(directory, [COUNT, QUEUE], by="ada", at=AT)
    return (directory / "accepted.yaml").read_text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ls | wc -l", "ls | wc -c"),
        ('user: "keeper"', 'user: "root"'),
        ('host: "local"', 'host: "other"'),
        ('"checks/queue"', '"checks/other"'),
        ('"checks/queue"', '"checks/count"'),
        ('by: "ada"', 'by: ""'),
        ('by: "ada"', 'by: "\\e[2J"'),
        ('by: "ada"', "by: 5"),
        ('at: "2026-11-22T10:30:00Z"', 'at: "2026-11-22T10:30:00"'),
        ('at: "2026-11-22T10:30:00Z"', 'at: "yesterday"'),
        ('    by: "ada"\n', ""),
        ('    by: "ada"\n', '    by: "ada"\n    extra: "x"\n'),
        ('    by: "ada"\n', '    by: "ada"\n    by: "ben"\n'),
        ("sha256: ", "sha256: !!binary "),
        ("accepted: 1", "accepted: 2"),
        ("accepted: 1\n", ""),
        ("texts:", "text:"),
        ("texts:", "texts: []\nmore:"),
    ],
)
def test_an_edited_file_is_refused_as_a_whole(tmp_path: Path, old: str, new: str) -> None:
    text = written(tmp_path)
    assert old in text
    (tmp_path / "accepted.yaml").write_text(text.replace(old, new))
    with pytest.raises(ConfigurationError) as caught:
        read_acceptances(tmp_path)
    assert caught.value.problems[0].where
    with pytest.raises(ConfigurationError):
        accept_in(tmp_path, [COUNT], by="ada", at=AT)
    assert (tmp_path / "accepted.yaml").read_text() == text.replace(old, new)


@given(data=st.binary(max_size=200))
@example(data=b"")
@example(data=b"[]")
@example(data=b"accepted: 1\ntexts: {checks/queue: }\n")
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_is_never_an_acceptance(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "accepted.yaml").write_bytes(data)
    with pytest.raises(ConfigurationError):
        read_acceptances(tmp_path)


def test_a_cut_off_file_is_never_an_acceptance_of_less(tmp_path: Path) -> None:
    text = written(tmp_path).encode()
    whole = read_acceptances(tmp_path).by_name
    for length in range(0, len(text), 7):
        (tmp_path / "accepted.yaml").write_bytes(text[:length])
        try:
            found = read_acceptances(tmp_path).by_name
        except ConfigurationError:
            continue
        assert found.items() <= whole.items()


def test_an_entry_may_be_removed_by_hand(tmp_path: Path) -> None:
    text = written(tmp_path)
    (tmp_path / "accepted.yaml").write_text(text[: text.index('  "checks/queue"')])
    acceptances = read_acceptances(tmp_path)
    assert acceptances.accepts(COUNT)
    assert acceptances.accepts(QUEUE) is None


@pytest.mark.parametrize(("mode", "word"), [(0o666, "others"), (0o664, "its group"), (0o620, "its group"), (0o644, None), (0o600, None)])
def test_a_file_that_others_may_write_gives_a_warning(tmp_path: Path, mode: int, word: str | None) -> None:
    written(tmp_path)
    (tmp_path / "accepted.yaml").chmod(mode)
    warnings = read_acceptances(tmp_path).warnings
    assert [warning.code for warning in warnings] == (["acceptance.writable"] if word else [])
    assert all(word in warning.message for warning in warnings if word)


# --- writing -----------------------------------------------------------------------------------------------------------------


def test_the_mode_of_the_file_is_kept(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "accepted.yaml").chmod(0o600)
    accept_in(tmp_path, [replace(COUNT, text="true")], by="ada", at=AT)
    assert stat.S_IMODE((tmp_path / "accepted.yaml").stat().st_mode) == 0o600


def test_a_file_that_changed_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    earlier = read_acceptances(tmp_path)
    accept_in(tmp_path, [COUNT], by="ada", at=AT)
    with pytest.raises(ConfigurationError) as caught:
        write_acceptances(tmp_path, earlier.including([Acceptance(QUEUE, "ben", AT)]))
    assert caught.value.problems[0].code == "acceptance.changed"
    current = write_acceptances(tmp_path, read_acceptances(tmp_path).including([Acceptance(QUEUE, "ben", AT)]))
    assert current == read_acceptances(tmp_path)
    assert write_acceptances(tmp_path, current) == current
    assert set(current.by_name) == {"checks/count", "checks/queue"}
    assert [path.name for path in tmp_path.iterdir()] == ["accepted.yaml"]


def test_acceptances_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    def accept(number: int) -> None:
        for part in range(5):
            accept_in(tmp_path, [replace(COUNT, name=f"checks/c{number}-{part}")], by=f"person {number}", at=AT)

    threads = [threading.Thread(target=accept, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_acceptances(tmp_path).by_name) == 20


def test_a_lock_that_is_never_given_back_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptance, "_LOCK_SECONDS", 0.1)
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match="holds the lock"):
            accept_in(tmp_path, [COUNT], by="ada", at=AT)
    finally:
        os.close(handle)
    accept_in(tmp_path, [COUNT], by="ada", at=AT)


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        accept_in(tmp_path / "none", [COUNT], by="ada", at=AT)


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = written(tmp_path)

    def no_space(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(acceptance.os, "fsync", no_space)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        accept_in(tmp_path, [replace(COUNT, text="true")], by="ada", at=AT)
    assert (tmp_path / "accepted.yaml").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["accepted.yaml"]


def test_a_linked_file_stays_linked(tmp_path: Path) -> None:
    (tmp_path / "ops").mkdir()
    (tmp_path / "kept").mkdir()
    (tmp_path / "ops" / "accepted.yaml").symlink_to(tmp_path / "kept" / "accepted.yaml")
    accept_in(tmp_path / "ops", [COUNT], by="ada", at=AT)
    assert (tmp_path / "ops" / "accepted.yaml").is_symlink()
    assert read_acceptances(tmp_path / "ops").accepts(COUNT)
