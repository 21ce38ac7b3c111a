"""Fills in what a manual leaves open: asks for each value, judges it by its form, and keeps it; secrets go to files of their own.

Values stand in ``values.yaml``. A secret's value never does: it goes to ``secrets/NAME``, which only this user can read, and
``values.yaml`` says where it is (``secret:file:/...``), as any check understands it. ``.gitignore`` names the folder before there is one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from keepwell.kernel.problems import UsageError
from keepwell.rooms.manual.lint.redact import without_secrets
from keepwell.rooms.manual.reading.document import read_manual

from .folder import open_folder
from .forms import fault, is_reference
from .model import Missing, Wanting
from .placeholders import missing_in
from .result import Imported, MissingInput
from .values import NAME, VALUES, read_values, write_values
from .views import views

SECRETS = "secrets"
_IGNORED = f"/{SECRETS}/"
_LONGEST_SECRET = 64 * 1024
_ASKED = (Wanting.VALUE, Wanting.SECRET)


class Person(Protocol):
    """Who answers. Each gives None where the person wants to stop."""

    def tell(self, text: str) -> None:
        """Shows a line."""
        ...

    def answer(self, question: str) -> str | None:
        """Asks, and gives what was typed."""
        ...

    def answer_unseen(self, question: str) -> str | None:
        """The same, and does not show what is typed."""
        ...


@dataclass(slots=True)
class Answers:
    """What was answered, by name: values, where secrets are, and secrets themselves."""

    values: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Everything that was answered."""
        return [*self.values, *self.secrets]


def open_inputs(imported: Imported) -> tuple[MissingInput, ...]:
    """What can be filled in and is not: values and secrets. (Scripts and files have to be supplied, arguments are asked for each time.)"""
    return tuple(part for part in imported.missing if part.missing.wanting in _ASKED and NAME.fullmatch(part.missing.name))


def ask(inputs: Sequence[MissingInput], line_text: Callable[[int], str], person: Person) -> Answers:
    """Asks for each in turn, until the person stops. What was answered until then counts."""
    answers = Answers()
    for number, part in enumerate(inputs, 1):
        missing = part.missing
        person.tell("")
        person.tell(f"{number} of {len(inputs)}: {missing.asks}")
        person.tell(f"  line {part.lines[0]}: {without_secrets(line_text(part.lines[0])).strip()}")
        if len(part.lines) > 1:
            person.tell(f"  and {len(part.lines) - 1} more: {', '.join(map(str, part.lines[1:11]))}{', …' if len(part.lines) > 11 else ''}")
        if not _ask_one(missing, person, answers):
            break
    return answers


def _ask_one(missing: Missing, person: Person, answers: Answers) -> bool:
    """Asks until the answer is good or empty; False where the person stops."""
    secret = missing.wanting is Wanting.SECRET
    if secret:
        person.tell(
            "  A secret: it is not shown, and goes to a file that only you can read. Or type where it is: secret:NAME (a variable of"
        )
        person.tell("  the environment), secret:file:/path.")
    while True:
        asked = person.answer_unseen if secret else person.answer
        typed = asked(f"{missing.name} (Enter: later): ")
        if typed is None:
            return False
        typed = typed.strip()
        if not typed:
            return True
        wrong = _take(missing, typed, answers)
        if not wrong:
            return True
        person.tell(f"  Not taken: {wrong}.")


def take_settings(settings: Sequence[str], known: Mapping[str, Missing]) -> Answers:
    """``NAME=VALUE`` as the command line gives them. Raises UsageError with what is wrong with one. A secret is taken as a reference only:
    the command line is seen by every user of the machine."""
    answers = Answers()
    for setting in settings:
        name, sign, value = setting.partition("=")
        missing = known.get(name)
        if not sign:
            raise UsageError(f"--set {name}: write NAME=VALUE")
        if missing is None:
            listed = ", ".join(sorted(known)[:20]) or "nothing"
            raise UsageError(f"--set {name}: the manual asks for no value of this name", hint=f"it asks for {listed}")
        if missing.wanting is Wanting.SECRET and not is_reference(value):
            hint = f"write --set {name}=secret:{name} or {name}=secret:file:/path, or call keepwell fill without --set, which asks for it"
            raise UsageError(f"--set {name}: it is a secret, and the command line is seen by others", hint=hint)
        wrong = _take(missing, value, answers)
        if wrong:
            raise UsageError(f"--set {name}: {wrong}")
    return answers


def _take(missing: Missing, value: str, answers: Answers) -> str:
    """Takes an answer, or gives what is wrong with it."""
    if missing.wanting is not Wanting.SECRET:
        wrong = "it stands for something else itself" if _is_placeholder(value) else fault(missing.form, value)
        if not wrong:
            answers.values[missing.name] = value
        return wrong
    if value.startswith("secret:"):
        if not is_reference(value):
            return "expected secret:NAME or secret:file:/path"
        answers.values[missing.name] = value
        return ""
    if not value.isprintable():
        return "it holds a control character"
    if len(value.encode("utf-8", "replace")) > _LONGEST_SECRET:
        return f"it is longer than {_LONGEST_SECRET} bytes"
    answers.secrets[missing.name] = value
    return ""


def _is_placeholder(value: str) -> bool:
    """Whether import would ask again what this value stands for: ``example.org``, ``<host>``, ``YOUR_HOST``."""
    view = next(views(read_manual("x", "answer")))
    return bool(missing_in(view, value))


def keep_answers(directory: Path, answers: Answers) -> None:
    """Writes the answers into the operations directory. Raises UsageError where that cannot be done."""
    references = {name: f"secret:file:{directory.resolve() / SECRETS / name}" for name in answers.secrets}
    wrong = next((reference for reference in references.values() if not is_reference(reference)), None)
    if wrong:
        raise UsageError(f"{directory} has a name that no reference to a secret can hold", hint="write secret:NAME instead of the secret")
    with open_folder(directory, make=False) as folder:
        if answers.secrets:
            ignored = folder.read(".gitignore") or ""
            if _IGNORED not in ignored.splitlines():
                begun = ignored if not ignored or ignored.endswith("\n") else ignored + "\n"
                folder.write(".gitignore", f"{begun}{_IGNORED}\n")
            folder.make_private(SECRETS)
        for name, value in answers.secrets.items():
            folder.write(f"{SECRETS}/{name}", value + "\n", mode=0o600)
        text = folder.read(VALUES)
        if text:
            read_values(text, str(directory / VALUES))
        folder.write(VALUES, write_values(text, {**answers.values, **references}))
