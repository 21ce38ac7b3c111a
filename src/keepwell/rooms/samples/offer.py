"""What the samples room declares: its sections and commands; what it shows once it lives is in ``face.py``.

Nothing here imports numpy or pyarrow, so that ``keepwell --help`` and ``keepwell validate`` do not pay for them.
"""

from typing import Any

from keepwell.ports.offer import Section

from .objectives import offer as objectives

READ, WRITE = "samples.read", "samples.write"

SAMPLE = """\
# samples:
#   keep: {raw: 15d, 5m: 90d, 1h: 730d}    # every sample, rolled up to five minutes, to an hour
#   window: 1h                             # what is held in memory
"""


def sections() -> tuple[Section, ...]:
    """The section ``samples``, and what they are asked for: ``objectives`` and ``windows``."""
    return (Section("samples", "How long measured figures are kept, and how many", _samples, sample=SAMPLE), *objectives.sections())


def _samples() -> type[Any]:
    from .options import SamplesOptions

    return SamplesOptions
