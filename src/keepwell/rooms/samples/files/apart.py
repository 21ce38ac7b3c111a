"""The child process that reads files for a server that begins: ``python -m keepwell.rooms.samples.files.apart FOLDER START``.

Arrow comes into this process and leaves with it. On its output: a line of JSON, how many ``rows`` there are, then the columns as they lie
in memory (at, value, series), sorted by (series, at).
"""

import json
import sys
from pathlib import Path

from keepwell.rooms.samples.files.reading import Files

_LATEST = 1 << 62


def main(arguments: list[str]) -> int:
    """The program. A damaged file gives nothing; the server names it where it meets it."""
    folder, start = arguments
    rows = Files(Path(folder)).rows(None, int(start), _LATEST)
    output = sys.stdout.buffer
    output.write(json.dumps({"rows": len(rows)}).encode() + b"\n")
    for column in (rows.at, rows.value, rows.series):
        output.write(column.tobytes())
    output.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
