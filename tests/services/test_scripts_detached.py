"""Scripts that outlive who started them: what they print is read in bounded pieces."""

from pathlib import Path

from keepwell.machine.scripts import AT_A_LOOK, DetachedScripts


async def test_a_flood_is_not_read_at_one_look_and_keeps_its_beginning_and_end(tmp_path: Path) -> None:
    """Whoever read all of it before anything else would do nothing else while a script prints faster than that."""
    scripts = DetachedScripts(tmp_path, lambda text: text)
    ticket = scripts.ticket("1/1")
    folder = tmp_path / ticket
    (folder / "begun").mkdir(parents=True)
    (folder / "status").write_text("0\n")
    with (folder / "output").open("wb") as output:
        output.write(b"the first line\n")
        output.truncate(50 * AT_A_LOOK)
        output.seek(0, 2)
        output.write(b"\nthe last line\n")
    heard: list[int] = []
    ended = await scripts.resume(ticket, 60.0, lambda text: heard.append(len(text)))
    assert ended is not None
    assert ended.succeeded
    assert sum(heard) <= AT_A_LOOK
    assert ended.output.startswith("the first line\n")
    assert ended.output.endswith("\nthe last line\n")
    assert f"[keepwell: {ended.dropped} bytes left out]" in ended.output
    assert ended.dropped > 49 * AT_A_LOOK
    # Until its end is stored, its file holds no more than that: it may be what filled the disk.
    assert (folder / "output").stat().st_size < AT_A_LOOK
    again = await scripts.resume(ticket, 60.0, lambda text: None)
    assert again is not None
    assert again.status == 0
    assert again.output.startswith("the first line\n")
    assert again.output.endswith("\nthe last line\n")
