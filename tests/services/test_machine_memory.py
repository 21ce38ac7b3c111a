"""Memory that was needed for a moment goes back to the system."""

import subprocess
import sys

PROGRAM = """
import numpy
from keepwell.machine.memory import be_modest, give_back

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 1e6

be_modest()
blocks = [numpy.ones(12_500) for _ in range(1000)]  # a hundred megabytes in pieces that the allocator cuts from its heap
del blocks[:-1]  # the last one holds the heap's end in its place
before = resident()
give_back()
print(before, resident())
"""


def test_free_memory_amid_what_is_in_use_goes_back() -> None:
    printed = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout.split()
    before, after = float(printed[0]), float(printed[1])
    assert after < before - 50
