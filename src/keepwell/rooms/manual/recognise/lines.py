"""The lines of a block of shell that import knows."""

import re
from collections.abc import Callable, Iterator

from keepwell.rooms.manual.model import Fence, Found, Left
from keepwell.rooms.manual.shell import Line, Simple, shell_lines

from .curl import read_curl
from .host import read_df, read_pgrep, read_ps, read_systemctl

_LANGUAGES = {"bash", "sh", "shell", "zsh", "console", "shell-session"}
_KNOWN = re.compile(r"(?<![\w./-])(?:curl|df|systemctl|ps|pgrep)(?![\w./-])")
_READERS: dict[str, Callable[[Simple, int, str], Iterator[Found]]] = {
    "curl": read_curl,
    "df": read_df,
    "systemctl": read_systemctl,
    "pgrep": read_pgrep,
}
_LONGEST_TEXT = 300


def read_lines(fence: Fence) -> Iterator[Found]:
    """What the lines of a shell block look at; nothing of blocks in another language."""
    if fence.language not in _LANGUAGES:
        return
    for line in shell_lines(fence.content, fence.line, worth=lambda text: bool(_KNOWN.search(text))):
        yield from _read_line(line)


def _read_line(line: Line) -> Iterator[Found]:
    text = line.text if len(line.text) <= _LONGEST_TEXT else line.text[:_LONGEST_TEXT] + "…"
    if line.pipelines is None:
        yield Left(line.line, text, "the line cannot be taken apart: a quote does not end on it, or it is too long")
        return
    for pipeline in line.pipelines:
        if pipeline[0].words[0] == "ps":
            yield from read_ps(pipeline, line.line, text)
            continue
        for command in pipeline:
            reader = _READERS.get(command.words[0])
            yield from reader(command, line.line, text) if reader else ()
