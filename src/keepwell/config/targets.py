"""Targets: what is operated. A check names one instead of repeating its address."""

from .options import HttpUrl, Options


class Target(Options):
    """One thing that is operated."""

    url: HttpUrl | None = None
    """Base address of an HTTP service; the path of a check is appended to it. ``${VAR}`` is replaced from the environment."""
