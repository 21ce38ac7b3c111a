"""What fences other than shell are made of: settings, statements and cron entries. Lines are those of the manual, from 1."""

from dataclasses import dataclass

from .shell_model import Script


@dataclass(frozen=True, slots=True)
class Setting:
    """A key and its value in a configuration of any syntax.

    ``path`` is the way to it: yaml and json keys (items of lists as ``0``, ``1``), ``(section, key)`` in ini, toml and systemd units,
    ``(glob, directive)`` in logrotate, the enclosing blocks and the directive in nginx, ``(instruction,)`` in a Dockerfile. A value that
    holds others has no setting of its own. ``syntax`` is the language; ``file`` the file that it belongs to, if the manual says so.
    """

    path: tuple[str, ...]
    value: str
    line: int
    end_line: int
    syntax: str
    file: str = ""

    @property
    def key(self) -> str:
        """The last part of the path, in small letters."""
        return self.path[-1].lower() if self.path else ""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of SQL (or a client's own command such as ``\\dt``). ``verb`` is its first word in capitals.

    ``code`` is the text in one line with comments left out and the content of string literals kept; ``client`` is the program
    that it is fed to (psql, mysql, sqlite3), empty in a fence of SQL.
    """

    text: str
    code: str
    verb: str
    line: int
    end_line: int
    client: str = ""


@dataclass(frozen=True, slots=True)
class CronEntry:
    """An entry of a crontab: five fields or ``@daily``, the user where the file has that column, and the command.

    ``script`` is the command as shell (``%`` read as cron does: an unescaped one ends the command).
    """

    schedule: str
    user: str
    command: str
    line: int
    script: Script
    commented: bool = False
