"""The sections ``services`` and ``policy``."""

from typing import Annotated, Literal

from keepwell.config.options import Options, Reference

Who = Literal["allow", "confirm", "approve", "forbid"]


class ServiceOptions(Options):
    """What every service may have."""

    on: Annotated[str, Reference("hosts", also="local")] = "local"
    """The host on which it runs."""


class PolicyOptions(Options):
    """What may be done without asking."""

    destructive: Who = "approve"
    """What destroys or changes something, beside being accepted: is done (``allow``), must be confirmed by whoever starts it or by another
    (``confirm``), must be approved by somebody else than who started it (``approve``), or is never done (``forbid``)."""
