"""Answers for people: a table of series, tables of points, or a plot. Each gives the exit code."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from keepwell.kernel.durations import format_duration
from keepwell.kernel.exits import Exit
from keepwell.kernel.rendering import harmless, render_text
from keepwell.ports.offer import Call
from keepwell.ports.samples import NAME

from .answer import Answer, pointed
from .question import Question
from .units import common_unit, in_words, instant

_PLOT_ROWS = (8, 24)
_AROUND_PLOT = 8
"""Rows of a terminal that are left to axes, legend and the next prompt."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What is written on: its columns and rows, and whether it is a terminal that shows all characters."""

    width: int
    height: int
    is_fine: bool


def selector(labels: Mapping[str, str]) -> str:
    """A series as Prometheus writes it."""
    inner = ", ".join(f'{name}="{_escaped(value)}"' for name, value in sorted(labels.items()) if name != NAME)
    return f"{labels.get(NAME, '')}{{{inner}}}" if inner else labels.get(NAME, "{}")


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def tell(call: Call, answer: Answer, question: Question, paper: Paper) -> int:
    """Prints the answer, and what was remarked about it to standard error; the exit code."""
    call.output.data(answer.document)
    if not call.output.wants_json:
        _show(call, answer, question, paper)
        remarks = render_text(pointed(answer.remarks, question.expression)).rstrip("\n")
        if remarks:
            call.output.note(remarks)
    return Exit.NEGATIVE if answer.is_empty else Exit.OK


def _show(call: Call, answer: Answer, question: Question, paper: Paper) -> None:
    if answer.is_empty:
        call.output.say(f"nothing was found {_when(question)}", style="dim")
    elif answer.kind in ("scalar", "string"):
        call.output.say(answer.text)
    elif answer.kind == "vector":
        _table(call, answer)
        call.output.say(f"{_count(len(answer.series))} {_when(question)}", style="dim")
    elif question.is_range and call.arguments["plot"]:
        _draw(call, answer, question, paper)
        call.output.say(f"{_count(len(answer.series))} {_when(question)}", style="dim")
    else:
        _points(call, answer)
        call.output.say(f"{_count(len(answer.series))} {_when(question)}", style="dim")


def _count(series: int) -> str:
    return f"{series} series"


def _when(question: Question) -> str:
    end = instant(question.end)
    if not question.is_range:
        return f"at {end}"
    step = format_duration(timedelta(seconds=question.step))
    return f"from {instant(question.end - question.length)} to {end}, every {step}"


def _table(call: Call, answer: Answer) -> None:
    rows = [(selector(one.labels), one.points[0][1], in_words(one.labels, one.points[0][1])) for one in answer.series]
    if any(words for *_, words in rows):
        call.output.table(("series", "value", "in words"), rows)
    else:
        call.output.table(("series", "value"), [row[:2] for row in rows])


def _points(call: Call, answer: Answer) -> None:
    for one in answer.series:
        call.output.say(selector(one.labels), style="strong")
        rows = [(instant(at), value, in_words(one.labels, value)) for at, value in one.points]
        if any(words for *_, words in rows):
            call.output.table(("at", "value", "in words"), rows)
        else:
            call.output.table(("at", "value"), [row[:2] for row in rows])


def _draw(call: Call, answer: Answer, question: Question, paper: Paper) -> None:
    from .plot import Frame, Line, plot

    frame = Frame(
        question.end - question.length,
        question.end,
        question.step,
        common_unit(one.labels for one in answer.series),
        paper.width,
        max(_PLOT_ROWS[0], min(_PLOT_ROWS[1], paper.height - _AROUND_PLOT)),
        paper.is_fine,
        call.output.colours,
    )
    lines = [Line(harmless(selector(one.labels)), [(at, float(value)) for at, value in one.points]) for one in answer.series]
    call.output.raw("\n".join(plot(lines, frame)) + "\n")
