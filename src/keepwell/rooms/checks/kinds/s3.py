"""The ``s3`` kind: whether a bucket answers, what lies in it, how it is set, and whether an object survives being written and read.

The questions are signed HTTP requests (AWS Signature Version 4). Ages are counted by the server's own clock, from its header Date.
"""

from keepwell.config.targets import Target
from keepwell.ports.http import Response
from keepwell.rooms.checks.limits import together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.s3.asking import address, first, following, sorted_out
from keepwell.rooms.checks.s3.judging import list_verdicts, refused, setting_verdicts, trip_verdicts
from keepwell.rooms.checks.s3.options import S3Options
from keepwell.rooms.checks.s3.replies import Listed, listed


def ask(options: S3Options, target: Target | None) -> tuple[Question, ...]:
    """The first page of the list."""
    return (first(options),)


def then(options: S3Options, target: Target | None, answers: tuple[Answer, ...]) -> tuple[Question, ...]:
    """Its other pages, the settings, the round trip."""
    return following(options, answers)


def read(options: S3Options, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The list, then the settings, then the round trip: the worst is the state."""
    beginning = listed(answers[0])
    if not isinstance(beginning, Listed):
        verdict = refused(options, beginning)
        return Observation(verdict.state, verdict.sentence)
    asked = sorted_out(options, answers)
    verdicts, values = list_verdicts(options, asked)
    trip, more = trip_verdicts(options, asked)
    verdict = together([*verdicts, *setting_verdicts(options, asked), *trip])
    if isinstance(answers[0], Response):
        values["list_seconds"] = answers[0].phases.total
    return Observation(verdict.state, verdict.sentence, {**values, **more})


def runs_text(options: S3Options) -> str:
    """What the round trip does, where it is asked for."""
    if not options.round_trip:
        return ""
    keys = [text for text in (options.access_key, options.secret_key, options.token) if text is not None]
    return "\n".join([f"{method} {address(options)}/{options.round_trip_key}" for method in ("PUT", "GET", "DELETE")] + keys)


DRIVER = Kind(
    summary="Whether a bucket of S3 answers: its objects, the newest one's age and size, versions, lifecycle, and a round trip",
    options=S3Options,
    ask=ask,
    read=read,
    runs_text=runs_text,
    then=then,
    values={
        "list_seconds": "how long the first page of the list took",
        "objects": "how many objects were seen",
        "objects_bytes": "their bytes together",
        "newest_age_seconds": "how old the newest object is, by the server's clock",
        "newest_bytes": "the newest object's size",
        "round_trip_seconds": "how long writing, reading and deleting an object took together",
    },
    example="""\
checks:
  backups:
    s3:
      bucket: shop-backups
      endpoint: https://minio.example.org:9000
      access_key: secret:S3_ACCESS_KEY
      secret_key: secret:S3_SECRET_KEY
      prefix: postgres/
      newest: {warn: "> 25h", fail: "> 49h"}
      newest_size: {fail: "< 1MB"}
      lifecycle: true
    every: 15m
""",
)
