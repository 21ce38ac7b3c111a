"""Files of another host, read by programs that run there."""

from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.quoting import quoted
from keepwell.ports.files import FileFacts
from keepwell.ports.runner import Command, Result, Runner

_SECONDS = 10.0
_LONGEST_LIST = 1024 * 1024
_C = {"LC_ALL": "C"}
# A FIFO or a device could hold the reader for ever, so only regular files are opened.
_READ = 'if [ ! -e "$1" ]; then exit 3; elif [ ! -f "$1" ]; then exit 4; elif [ ! -r "$1" ]; then exit 5; fi; exec head -c "$2" -- "$1"'
_NAMES = 'if [ ! -e "$1" ]; then exit 3; elif [ ! -d "$1" ]; then exit 6; fi; exec ls -1A -- "$1"'
_WHY = {4: "it is no regular file", 5: "this user may not read it", 6: "it is not a directory"}


class RunnerFiles:
    """Reads files through a runner, with ``head``, ``stat`` and ``ls``. Bytes that are no UTF-8 arrive as replacement characters."""

    def __init__(self, runner: Runner, timeout: float = _SECONDS) -> None:
        self._runner = runner
        self._timeout = timeout

    async def read(self, path: str, limit: int = 1024 * 1024) -> bytes:
        """The first ``limit`` bytes; see ``keepwell.ports.files.Files``."""
        result = await self._ask(path, ("/bin/sh", "-c", _READ, "sh", path, str(limit)), limit)
        return result.stdout.encode()

    async def facts(self, path: str) -> FileFacts:
        """What ``stat`` says (links followed)."""
        result = await self._ask(path, ("stat", "-L", "-c", "%s %f %u %g %Y", "--", path), 4096)
        parts = result.stdout.split()
        try:
            size, mode, owner, group, modified = int(parts[0]), int(parts[1], 16), int(parts[2]), int(parts[3]), float(parts[4])
        except (ValueError, IndexError):
            raise AskError(f"{path} cannot be read: stat printed {quoted(result.stdout.strip())}") from None
        return FileFacts(path, size, mode, owner, group, modified, is_directory=mode & 0o170000 == 0o040000)

    async def names(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted; one that holds a line end would look like two."""
        result = await self._ask(path, ("/bin/sh", "-c", _NAMES, "sh", path), _LONGEST_LIST)
        if any(result.dropped):
            raise AskError(f"{path} cannot be read: its list of names is longer than {_LONGEST_LIST} bytes")
        return tuple(sorted(result.stdout.splitlines()))

    async def _ask(self, path: str, argv: tuple[str, ...], limit: int) -> Result:
        if "\0" in path:
            raise AskError(f"{quoted(path)} is not a path: no path holds a zero character")
        result = await self._runner.run(Command(argv, environment=_C, timeout=self._timeout, output_limit=limit))
        if result.succeeded:
            return result
        if result.timed_out:
            raise AskError(f"{path} cannot be read: no answer within {self._timeout:g} s")
        if result.status == 3 or "No such file or directory" in result.stderr or "Not a directory" in result.stderr:
            raise AnswerError(f"{path} does not exist")
        why = _WHY.get(result.status or 0) or result.stderr.strip().splitlines()[-1:] or "no reason given"
        raise AskError(f"{path} cannot be read: {why if isinstance(why, str) else quoted(why[0], 160)}")
