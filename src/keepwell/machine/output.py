"""The output of a program as it arrives: its head and its tail are kept, the middle of a long one is counted and let go."""

from collections.abc import Iterable


class Capture:
    """Keeps at most ``limit`` bytes (and a little more while it collects), whatever arrives."""

    def __init__(self, limit: int) -> None:
        self._head_size = limit - limit // 2
        self._tail_size = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._received = 0

    def feed(self, data: bytes) -> None:
        """Takes the next bytes."""
        self._received += len(data)
        room = self._head_size - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data[max(0, len(data) - self._tail_size) :]
        if len(self._tail) > 2 * self._tail_size:
            del self._tail[: len(self._tail) - self._tail_size]

    def skip(self, count: int) -> None:
        """Counts bytes that nobody read: what comes next does not follow on what was kept last."""
        self._received += count
        self._tail.clear()

    def text(self, secrets: Iterable[str] = ()) -> tuple[str, int]:
        """What was kept, decoded as UTF-8 with replacement, and how many bytes are missing.

        Where some are, a line in their place says how many, and a secret that the cut went through loses its other half too.
        """
        tail = bytes(self._tail[max(0, len(self._tail) - self._tail_size) :])
        head = bytes(self._head)
        if self._received == len(head) + len(tail):
            return (head + tail).decode("utf-8", "replace"), 0
        for secret in secrets:
            value = secret.encode("utf-8", "surrogateescape")
            head = head[: len(head) - _overlap(head, value)]
            tail = tail[_overlap(value, tail) :]
        dropped = self._received - len(head) - len(tail)
        parts = (head.decode("utf-8", "replace"), f"[keepwell: {dropped} bytes left out]", tail.decode("utf-8", "replace"))
        return "\n".join(parts), dropped


def _overlap(left: bytes, right: bytes) -> int:
    """How many bytes at the end of ``left`` are also the beginning of ``right`` (less than the whole of either)."""
    longest = min(len(left), len(right)) - 1
    return next((size for size in range(longest, 0, -1) if left.endswith(right[:size])), 0)
