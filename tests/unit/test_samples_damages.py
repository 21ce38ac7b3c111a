"""What is remembered of files that cannot be used."""

from pathlib import Path

from keepwell.rooms.samples.files.damage import Damaged, Damages


def test_a_file_that_is_gone_when_it_is_told_of_is_not_remembered_for_ever(tmp_path: Path) -> None:
    damages, file = Damages(), tmp_path / "20261122T00.parquet"
    damages.note(Damaged(file, "has been altered"))
    assert damages.sentences() == []
    file.write_bytes(b"x")
    damages.note(Damaged(file, "has been altered"))
    assert len(damages.sentences()) == 1
    file.unlink()
    assert damages.sentences() == []
    damages.note(Damaged(file, "has been altered"))
    assert damages.sentences() == []
