"""The faults of the laboratory: what each does to the servers, and what a watcher sees of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break the laboratory. ``does`` says what happens to the servers, ``seen`` what the imported checks then say."""

    name: str
    does: str
    seen: str
    needs_front: bool = False


FAULTS = (
    Fault("api-slow", "Every answer of the audio server takes 0.8 s longer.", "The health check fails on the time of the answer."),
    Fault("api-errors", "The audio server answers every request with status 500.", "Every HTTP check fails and names the status 500."),
    Fault(
        "api-down",
        "The audio server is killed.",
        "Its HTTP checks fail (connection refused), the process check finds no process, and nginx answers 502.",
    ),
    Fault(
        "audio-broken",
        "The tone file that proves audio output is taken away.",
        "The health check fails: status is degraded, and services.audio is unavailable.",
    ),
    Fault(
        "memory-leak",
        "The audio server takes 150 MB more within a few seconds.",
        "The process check first warns, then fails on memory.",
    ),
    Fault(
        "certificate-expired",
        "nginx serves a certificate that expired yesterday.",
        "The check through https fails: the certificate has expired.",
        needs_front=True,
    ),
    Fault("web-down", "nginx is stopped.", "The checks through nginx fail; those of the audio server stay ok.", needs_front=True),
)

SLOW_SECONDS = 0.8
LEAK_BYTES = 150_000_000
LEAK_STEP_BYTES = 10_000_000
