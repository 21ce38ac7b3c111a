"""What is filled in: how values must look, how they are asked for, where they and secrets are kept."""

import os
import stat
from pathlib import Path

import pytest

from keepwell.kernel.problems import ConfigurationError, UsageError
from keepwell.machine.secrets import MachineSecrets
from keepwell.rooms.manual.importing.fill import Answers, ask, keep_answers, take_settings
from keepwell.rooms.manual.importing.forms import fault, is_reference
from keepwell.rooms.manual.importing.model import Missing, Wanting
from keepwell.rooms.manual.importing.result import MissingInput
from keepwell.rooms.manual.importing.values import read_values, write_values

HOST = Missing("YOURDOMAIN_COM", Wanting.VALUE, "yourdomain.com", "The host name that yourdomain.com stands for", "host")
BUCKET = Missing("S3_BUCKET", Wanting.VALUE, "$S3_BUCKET", "The value of $S3_BUCKET", "word")
HOOK = Missing("ALERT_WEBHOOK", Wanting.SECRET, "https://hooks/YOUR/URL", "The address of the webhook", "url")


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("host", "shop.example.org"),
        ("host", "10.0.0.11"),
        ("host", "fe80::1"),
        ("host", "db"),
        ("url", "https://shop.example.org:8443/health?full=1"),
        ("url", "postgresql://ops@db/shop"),
        ("url", "s3://backups/shop"),
        ("word", "eu-central-1"),
        ("word", "arn:aws:s3:::shop"),
        ("path", "/srv/shop/data"),
        ("path", "~/keys/id.pub"),
        ("path", "backup.tar.gz"),
        ("path", "/"),
        ("email", "on.call+shop@example.org"),
        ("text", "Ada & Bob, day shift; see wiki"),
        ("limit", "> 80%"),
        ("limit", "<= 30d"),
        ("unheard-of", "anything"),
    ],
)
def test_good_values(form: str, value: str) -> None:
    assert fault(form, value) == ""


@pytest.mark.parametrize("form", ["host", "url", "word", "path", "email", "limit"])
@pytest.mark.parametrize(
    "value",
    [
        "a b",
        "$(id)",
        "`id`",
        "x;rm -rf /",
        "x|sh",
        "x&y",
        "a'b",
        'a"b',
        "a\\b",
        "<x>",
        "${HOME}",
        "-rf",
        "--option=1",
        "a\nb",
        "a\x1b[31m",
        "a\u202eb",
        "",
        " ",
        "x" * 1001,
        "*",
        "(x)",
        "{a,b}",
        "!x",
    ],
)
def test_what_a_shell_or_a_program_would_take_for_more_is_refused(form: str, value: str) -> None:
    assert fault(form, value)


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("host", "https://shop.example.org"),
        ("host", "shop.example.org:443"),
        ("host", "-shop.example.org"),
        ("url", "shop.example.org/health"),
        ("url", "https://user:password@shop.example.org/"),
        ("path", "../etc/passwd"),
        ("path", "/srv/../etc"),
        ("email", "oncall"),
        ("text", "two\nlines"),
        ("limit", "80%"),
        ("limit", "> a lot"),
    ],
)
def test_values_of_another_form(form: str, value: str) -> None:
    assert fault(form, value)


class Scripted:
    """A person with prepared answers; None ends the questions."""

    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.told: list[str] = []
        self.unseen = 0

    def tell(self, text: str) -> None:
        self.told.append(text)

    def answer(self, question: str) -> str | None:
        self.told.append(question)
        return self.answers.pop(0)

    def answer_unseen(self, question: str) -> str | None:
        self.unseen += 1
        return self.answer(question)


def asked(person: Scripted, *missing: Missing) -> Answers:
    inputs = [MissingInput(each, (3, 9)) for each in missing]
    return ask(inputs, lambda line: f"  text of line {line}", person)


def test_each_is_asked_with_its_line_until_it_is_as_it_must_be() -> None:
    person = Scripted("https://shop", "yourdomain.com", " shop.internal ", "")
    answers = asked(person, HOST, BUCKET)
    assert answers.values == {"YOURDOMAIN_COM": "shop.internal"}
    told = "\n".join(person.told)
    assert "1 of 2: The host name that yourdomain.com stands for\n  line 3: text of line 3\n  and 1 more: 9" in told
    assert "Not taken: expected a host name" in told
    assert "Not taken: it stands for something else itself" in told


def test_who_stops_keeps_the_answers() -> None:
    assert asked(Scripted("shop.internal", None), HOST, BUCKET, HOOK).names == ["YOURDOMAIN_COM"]


def test_a_secret_is_not_shown_and_may_be_a_reference() -> None:
    person = Scripted("https://hooks.example.org/a&b")
    answers = asked(person, HOOK)
    assert (answers.secrets, answers.values, person.unseen) == ({"ALERT_WEBHOOK": "https://hooks.example.org/a&b"}, {}, 1)
    assert asked(Scripted("secret:", "secret:command:cat /x", "secret:HOOK"), HOOK).values == {"ALERT_WEBHOOK": "secret:HOOK"}
    assert not is_reference("secret:command:rm -rf /")


def test_settings_of_the_command_line() -> None:
    known = {each.name: each for each in (HOST, BUCKET, HOOK)}
    answers = take_settings(["YOURDOMAIN_COM=a.internal", "ALERT_WEBHOOK=secret:file:/run/hook"], known)
    assert answers.values == {"YOURDOMAIN_COM": "a.internal", "ALERT_WEBHOOK": "secret:file:/run/hook"}


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("YOURDOMAIN_COM", "NAME=VALUE"),
        ("NOBODY=x", "no value of this name"),
        ("YOURDOMAIN_COM=a b", "expected a host"),
        ("ALERT_WEBHOOK=https://hooks.example.org/1", "seen by others"),
    ],
)
def test_settings_that_are_refused(setting: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        take_settings([setting], {each.name: each for each in (HOST, HOOK)})
    assert "hooks.example.org" not in str(caught.value)


async def test_a_secret_goes_to_a_file_that_its_reference_finds(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log", "utf-8")
    keep_answers(tmp_path, Answers({"S3_BUCKET": "shop"}, {"ALERT_WEBHOOK": "https://hooks.example.org/a b"}))
    secret = tmp_path / "secrets" / "ALERT_WEBHOOK"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    assert (tmp_path / ".gitignore").read_text("utf-8") == "*.log\n/secrets/\n"
    text = (tmp_path / "values.yaml").read_text("utf-8")
    assert "hooks.example.org" not in text
    values = read_values(text)
    secrets = MachineSecrets({})
    assert await secrets.resolve(values["ALERT_WEBHOOK"]) == "https://hooks.example.org/a b"
    assert secrets.warnings() == ()
    keep_answers(tmp_path, Answers({}, {"ALERT_WEBHOOK": "new"}))
    assert secret.read_text("utf-8") == "new\n"
    assert sorted(os.listdir(tmp_path)) == [".gitignore", "secrets", "values.yaml"]


@pytest.mark.parametrize("link", ["secrets", "values.yaml", ".gitignore"])
def test_no_link_is_followed(link: str, tmp_path: Path) -> None:
    inside, outside = tmp_path / "ops", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    target = outside if link == "secrets" else outside / "file"
    if link != "secrets":
        target.write_text("mine: own\n", "utf-8")
    (inside / link).symlink_to(target)
    with pytest.raises(UsageError, match="symbolic link"):
        keep_answers(inside, Answers({}, {"TOKEN": "x"}))
    assert [path.read_text("utf-8") for path in outside.iterdir()] in ([], ["mine: own\n"])


def test_the_file_of_values_keeps_what_people_wrote_in_it() -> None:
    text = "# ours\nS3_BUCKET: old   # the one in Frankfurt\nOTHER:\n"
    new = write_values(text, {"OTHER": "1:30", "S3_BUCKET": "new", "YES": "yes", "NUMBER": "0o17"})
    assert new == '# ours\nS3_BUCKET: new   # the one in Frankfurt\nOTHER: "1:30"\n"YES": "yes"\nNUMBER: "0o17"\n'
    assert read_values(new) == {"S3_BUCKET": "new", "OTHER": "1:30", "YES": "yes", "NUMBER": "0o17"}


@pytest.mark.parametrize("text", ["A: [1]\n", "A: {b: c}\n", "'a b': c\n", "../A: c\n", 'A: "x\\ny"\n', "A: |\n  x\n  y\n", "- A\n"])
def test_a_file_of_values_that_is_none(text: str) -> None:
    with pytest.raises(ConfigurationError):
        read_values(text)
