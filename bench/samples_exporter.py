"""An exporter of so many series for benchmarks of scraping: ``python -m bench.samples_exporter PORT SERIES``.

The page changes every ten seconds, whoever asks; it is made once and given to all.
"""

import asyncio
import gzip
import sys
import time

from bench.samples_load import STEP, Load, exposition, labels


class Page:
    """The page of this moment, plain and compressed."""

    def __init__(self, series: int) -> None:
        self._names = labels(series)
        self._load = Load(series)
        self._made = -1
        self._plain = self._packed = b""

    def now(self, packed: bool) -> bytes:
        """What is shown now."""
        number = int(time.time() * 1000) // STEP
        if number != self._made:
            self._made = number
            self._plain = exposition(self._names, self._load.chunk(number * STEP, 1).values[0])
            self._packed = gzip.compress(self._plain, 1)
        return self._packed if packed else self._plain


async def serve(port: int, series: int) -> None:
    """Until it is stopped."""
    page = Page(series)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = (await reader.readuntil(b"\r\n\r\n")).lower()
                packed = b"gzip" in asked
                body = page.now(packed)
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
                writer.write(head.encode() + (b"Content-Encoding: gzip\r\n" if packed else b"") + b"\r\n" + body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
