"""The options of the sections that belong to no room."""

from datetime import timedelta

from .options import Duration, Options, SecretReference


class Web(Options):
    """The pages and the API."""

    listen: str = "127.0.0.1:8750"
    """Loopback address and port. A public address is refused until people and roles exist."""


class Storage(Options):
    """The database."""

    url: SecretReference | None = None
    """A reference to the URL of a PostgreSQL database. Without it: SQLite in the data directory."""


class History(Options):
    """The past."""

    keep_removed: Duration = timedelta(days=30)
    """How long the history of a check is kept after it was removed from the configuration."""
