"""The ``docker`` kind: whether containers run and are healthy, their restarts, what they use and how old their images are; and the disk
space that Docker takes.

It asks the ``docker`` client, by fixed questions that change nothing: ps, inspect, stats and system df.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe, parse_comparison
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.sizes import parse_size
from keepwell.kernel.states import State
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks.answers import text_of
from keepwell.rooms.checks.containers import IMAGE, INSPECT, Container, Use, container, instant, objects, use
from keepwell.rooms.checks.limits import (
    BytesLimits,
    NumberLimit,
    NumberLimits,
    RatioLimits,
    SecondsLimits,
    Verdict,
    given_or,
    judge,
    together,
)
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.texts import first_line, show
from keepwell.rooms.checks.units import epoch

_RESTARTED = (parse_comparison("> 0"), parse_comparison("> 3"))
_FULL = (parse_comparison("> 80%"), parse_comparison("> 90%"))
_AT_LEAST_ONE = parse_comparison(">= 1")
_C = {"LC_ALL": "C", "TZ": "UTC"}
_LIMIT = 1024 * 1024
_MOST = 100
_SHOWN = 10
_PROJECT = "label=com.docker.compose.project="
_SERVICE = "label=com.docker.compose.service="
_FIRST = 2


class DockerOptions(Options):
    """Which containers, and how they should be; or, with disk or reclaimable alone, the space that Docker takes."""

    container: str | None = Field(default=None, min_length=1, max_length=256)
    """A container's name; ``*`` stands for anything, as in ``shop-web-*``."""
    project: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """A project of Docker Compose: all of its containers."""
    service: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """One service of that project."""
    count: NumberLimit | None = None
    """How many such containers there must be; without it ``>= 1``."""
    state: Literal["running", "exited"] = "running"
    """What each must be. ``exited`` is for one that does its work and ends: its exit code must be 0."""
    health: bool = True
    """Whether a container that has a health check must pass it: ``unhealthy`` is a failure, ``starting`` a warning."""
    restarts: NumberLimits = NumberLimits()
    """Limits on automatic restarts of each since the check's last look. Without warn and fail: ``> 0`` and ``> 3``."""
    running_for: SecondsLimits | None = None
    """Limits on the time since each was started, for example ``{warn: "< 5m"}``."""
    cpu: RatioLimits | None = None
    """Limits on the processor use of each; ``100%`` is one processor. Asking takes Docker about two seconds. No limit is usual."""
    memory: BytesLimits | None = None
    """Limits on the memory of each. Asking takes Docker about two seconds. No limit is usual."""
    memory_share: RatioLimits | None = None
    """Limits on the memory of each as a share of what it may use; ``{}`` stands for ``{warn: "> 80%", fail: "> 90%"}``."""
    image_age: SecondsLimits | None = None
    """Limits on the time since the image of each was built, for example ``{warn: "> 90d"}``."""
    disk: BytesLimits | None = None
    """Limits on the space of all images, containers, volumes and build caches together (``docker system df``)."""
    reclaimable: BytesLimits | None = None
    """Limits on the part of that space which ``docker system prune`` could free."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        of_disk = self.disk is not None or self.reclaimable is not None
        if self.container is not None and self.project is not None:
            raise ValueError("give one of container and project, not both")
        if self.service is not None and self.project is None:
            raise ValueError("service belongs to project, which is not given")
        if self.container is None and self.project is None:
            others = sorted(self.model_fields_set - {"disk", "reclaimable"})
            if others and of_disk:
                raise ValueError(f"{others[0]} belongs to containers: name them by container or project")
            if not of_disk:
                raise ValueError("nothing to look at: give container, project, disk or reclaimable")
        elif of_disk:
            raise ValueError("disk and reclaimable are of Docker as a whole: give them a check of their own")
        return self

    @property
    def of_containers(self) -> bool:
        """Whether containers are looked at, and not the space."""
        return self.container is not None or self.project is not None

    @property
    def of_use(self) -> bool:
        """Whether what they use is asked for."""
        return self.cpu is not None or self.memory is not None or self.memory_share is not None


@dataclass(slots=True)
class _Found:
    """What is gathered about the containers, one after the other."""

    verdicts: list[Verdict] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Adds to a sum."""
        self.values[name] = self.values.get(name, 0.0) + value

    def raise_to(self, name: str, value: float) -> None:
        """Keeps the largest."""
        self.values[name] = max(self.values.get(name, value), value)


def ask(options: DockerOptions, target: Target | None) -> tuple[Question, ...]:
    """The list of containers and the host's time; or the space."""
    if not options.of_containers:
        return (_docker("system", "df", "--format", "{{json .}}"),)
    filters = [f"--filter={_PROJECT}{options.project}"] if options.project else []
    filters += [f"--filter={_SERVICE}{options.service}"] if options.service else []
    listed = _docker("ps", "--all", "--no-trunc", *filters, "--format", '{"id":{{json .ID}},"names":{{json .Names}}}')
    return (listed, Command(("date", "+%s"), environment=_C))


def then(options: DockerOptions, target: Target | None, answers: tuple[Answer, ...]) -> tuple[Question, ...]:
    """The details of the containers that match, what they use, and their images, once these are known."""
    if not options.of_containers or len(answers) > _FIRST + 1 + options.of_use:
        return ()
    try:
        if len(answers) == _FIRST:
            identities = [identity for identity, _ in _matching(options, answers[0])][:_MOST]
            if not identities:
                return ()
            stats = [_docker("stats", "--no-stream", "--no-trunc", "--format", "{{json .}}", *identities)] if options.of_use else []
            return (_docker("inspect", "--type", "container", "--format", INSPECT, *identities), *stats)
        if options.image_age is not None and len(answers) == _FIRST + 1 + options.of_use:
            images = {one.image for one in _inspected(answers[_FIRST])}
            return (_docker("image", "inspect", "--format", IMAGE, *sorted(images)),)
    except AnswerError:
        return ()
    return ()


def _docker(*arguments: str) -> Command:
    return Command(("docker", *arguments), environment=_C, output_limit=_LIMIT)


def read(options: DockerOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """How many containers there are, then each of them; or the space."""
    refused = next((one.stderr for one in answers if isinstance(one, Result) and "permission denied" in one.stderr.lower()), "")
    if refused:
        return Observation(State.UNKNOWN, f"could not ask Docker: {show(first_line(refused))}")
    try:
        if not options.of_containers:
            return _space(options, text_of(answers[0], "docker system df"))
        return _containers(options, answers, earlier)
    except AnswerError as error:
        return Observation(State.FAIL, str(error))


def _matching(options: DockerOptions, answer: Answer) -> list[tuple[str, str]]:
    listed = objects(_complete(answer, "docker ps"), "docker ps")
    named = [(one.get("id"), str(one.get("names", "")).split(",")) for one in listed]
    return [
        (identity, names[0])
        for identity, names in named
        if isinstance(identity, str) and (options.container is None or any(fnmatchcase(name, options.container) for name in names))
    ]


def _complete(answer: Answer, asked: str) -> str:
    text = text_of(answer, asked)
    if isinstance(answer, Result) and any(answer.dropped):
        raise AnswerError(f"{asked} printed more than {describe(_LIMIT, Unit.BYTES)}")
    return text


def _inspected(answer: Answer) -> list[Container]:
    """The containers; one that was removed between the list and this question is no fault."""
    if isinstance(answer, Result) and answer.status == 1 and "no such" in answer.stderr.lower() and not answer.dropped[0]:
        return [container(one) for one in objects(answer.stdout, "docker inspect")]
    return [container(one) for one in objects(_complete(answer, "docker inspect"), "docker inspect")]


def _containers(options: DockerOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    matching = _matching(options, answers[0])
    expected = options.count or _AT_LEAST_ONE
    number = len(matching)
    counted = f"{number or 'no'} container{'' if number == 1 else 's'} {_which(options)}, expected {expected.text}"
    found = _Found([Verdict(State.OK if expected.holds(number) else State.FAIL, counted)], {"containers": float(number)})
    if number > _MOST:
        found.verdicts.append(Verdict(State.WARN, f"only {_MOST} of them are looked at"))
    if matching and len(answers) > _FIRST:
        seen, now = _inspected(answers[_FIRST]), epoch(text_of(answers[1], "date"))
        found.values["running"] = float(sum(one.state == "running" for one in seen))
        for one in seen:
            _one(options, one, now, earlier, found)
        _uses(options, answers, seen, found)
        _images(options, answers, seen, now, found)
    verdict = together(found.verdicts, _SHOWN)
    return Observation(verdict.state, verdict.sentence, found.values, found.counters)


def _which(options: DockerOptions) -> str:
    if options.container is not None:
        return f"called {show(options.container)}"
    return f"of the project {options.project}" + (f", service {options.service}" if options.service else "")


def _one(options: DockerOptions, one: Container, now: float, earlier: Earlier | None, found: _Found) -> None:
    found.verdicts.append(_state(options, one, now))
    found.add("restarts", float(one.restarts))
    key = f"restarts.{one.identity[:12]}"
    found.counters[key] = float(one.restarts)
    before = earlier.counters.get(key) if earlier is not None else None
    if before is not None and earlier is not None:
        new = one.restarts - before if one.restarts >= before else float(one.restarts)
        seen = f"{show(one.name)} was restarted {new:g} time{'' if new == 1 else 's'} in the last {describe(earlier.seconds, Unit.SECONDS)}"
        verdict = judge(seen, new, *given_or(options.restarts.warn, options.restarts.fail, _RESTARTED))
        found.verdicts += [verdict] if verdict.state is not State.OK else []
    if one.started is not None and one.state == "running":
        age = max(0.0, now - one.started)
        found.values["running_for_seconds"] = min(found.values.get("running_for_seconds", age), age)
        if options.running_for is not None:
            seen = f"{show(one.name)} was started {describe(age, Unit.SECONDS)} ago"
            found.verdicts.append(judge(seen, age, options.running_for.warn, options.running_for.fail))


def _state(options: DockerOptions, one: Container, now: float) -> Verdict:
    since = one.started if one.state == "running" else one.finished
    words = [f"{show(one.name)} is {one.state}{_ending(one)}"]
    words += [f"for {describe(max(0.0, now - since), Unit.SECONDS)}"] if since is not None else []
    words += [f"({one.health})"] if one.health is not None else []
    seen = " ".join(words)
    if one.state != options.state or (options.state == "exited" and one.exit_code != 0):
        return Verdict(State.FAIL, f"{seen}, expected {options.state}{' with code 0' if options.state == 'exited' else ''}")
    if options.health and options.state == "running" and one.health not in (None, "healthy"):
        return Verdict(State.WARN if one.health == "starting" else State.FAIL, f"{seen}, expected healthy")
    return Verdict(State.OK, seen)


def _ending(one: Container) -> str:
    if one.state not in ("exited", "dead", "restarting"):
        return ""
    return f" with code {one.exit_code}{' after it ran out of memory' if one.out_of_memory else ''}"


def _uses(options: DockerOptions, answers: tuple[Answer, ...], seen: list[Container], found: _Found) -> None:
    if not options.of_use or len(answers) <= _FIRST + 1:
        return
    given = objects(_complete(answers[_FIRST + 1], "docker stats"), "docker stats")
    uses = dict(use(one) for one in given if "--" not in str(one.get("MemUsage")))  # -- stands for one that ended meanwhile
    for one in seen:
        used = next((value for identity, value in uses.items() if one.identity.startswith(identity) and identity), None)
        if used is None or one.state != "running":
            continue
        found.add("cpu_ratio", used.cpu)
        found.add("memory_bytes", used.memory)
        if used.limit:
            found.raise_to("memory_used_ratio", used.memory / used.limit)
        found.verdicts += _used(options, show(one.name), used)


def _used(options: DockerOptions, name: str, used: Use) -> Iterator[Verdict]:
    if options.cpu is not None:
        yield judge(f"{name} uses {describe(used.cpu, Unit.RATIO)} of a processor", used.cpu, options.cpu.warn, options.cpu.fail)
    if options.memory is not None:
        seen = f"{name} uses {options.memory.describe(used.memory)} of memory"
        yield judge(seen, used.memory, options.memory.warn, options.memory.fail)
    if options.memory_share is not None and used.limit:
        ratio, limits = used.memory / used.limit, options.memory_share
        seen = f"{name} uses {describe(ratio, Unit.RATIO)} of the memory that it may ({describe(used.limit, Unit.BYTES)})"
        yield judge(seen, ratio, *given_or(limits.warn, limits.fail, _FULL))


def _images(options: DockerOptions, answers: tuple[Answer, ...], seen: list[Container], now: float, found: _Found) -> None:
    place = _FIRST + 1 + options.of_use
    if options.image_age is None or len(answers) <= place:
        return
    given = objects(_complete(answers[place], "docker image inspect"), "docker image inspect")
    built = {str(one.get("id")): instant(one.get("created")) for one in given}
    for one in seen:
        at = built.get(one.image)
        if at is None:
            found.verdicts.append(Verdict(State.UNKNOWN, f"nobody knows when the image of {show(one.name)} was built"))
            continue
        age = max(0.0, now - at)
        found.raise_to("image_age_seconds", age)
        seen_age = f"the image of {show(one.name)} was built {describe(age, Unit.SECONDS)} ago"
        found.verdicts.append(judge(seen_age, age, options.image_age.warn, options.image_age.fail))


def _space(options: DockerOptions, text: str) -> Observation:
    rows = objects(text, "docker system df")
    if not rows:
        raise AnswerError("docker system df gave no usable answer: there is not one line in it")
    try:
        sizes = {str(row.get("Type")): float(parse_size(str(row.get("Size")))) for row in rows}
        free = sum(float(parse_size(str(row.get("Reclaimable")).partition(" ")[0])) for row in rows)
    except ValueError as error:
        raise AnswerError(f"docker system df gave no usable answer: {error}") from None
    total, verdicts = sum(sizes.values()), []
    if options.disk is not None:
        verdicts.append(judge(f"Docker takes {options.disk.describe(total)} of disk space", total, options.disk.warn, options.disk.fail))
    if options.reclaimable is not None:
        limits = options.reclaimable
        verdicts.append(judge(f"{limits.describe(free)} of it are reclaimable", free, limits.warn, limits.fail))
    named = {
        "Images": "images_bytes",
        "Containers": "containers_bytes",
        "Local Volumes": "volumes_bytes",
        "Build Cache": "build_cache_bytes",
    }
    values = {named[kind]: size for kind, size in sizes.items() if kind in named}
    verdict = together(verdicts)
    return Observation(verdict.state, verdict.sentence, {"disk_bytes": total, "reclaimable_bytes": free, **values})


DRIVER = Kind(
    summary="Whether containers of Docker run and are healthy, their restarts, use and images; or the disk space that Docker takes",
    options=DockerOptions,
    ask=ask,
    read=read,
    then=then,
    values={
        "containers": "how many such containers there are",
        "running": "how many of them run",
        "restarts": "how often Docker has restarted them since they were made",
        "running_for_seconds": "how long ago the youngest that runs was started",
        "cpu_ratio": "the processor use of all of them; 1 is one processor",
        "memory_bytes": "the memory of all of them",
        "memory_used_ratio": "the memory of one as a share of what it may use; of several the highest",
        "image_age_seconds": "how long ago the image of one was built; of several the oldest",
        "disk_bytes": "the space of all images, containers, volumes and build caches",
        "reclaimable_bytes": "the part of it that could be freed",
        "images_bytes": "the space of images",
        "containers_bytes": "the space of what containers wrote",
        "volumes_bytes": "the space of volumes",
        "build_cache_bytes": "the space of build caches",
    },
    example="""\
checks:
  shop-containers:
    docker: {project: shop, memory_share: {}}
    every: 1m
  docker-space:
    docker: {disk: {warn: "> 50GB"}, reclaimable: {warn: "> 20GB"}}
    every: 1h
""",
)
