"""A process that runs for years stays small."""

import subprocess
import sys

GROW_AND_SHRINK = """
import re
from appliance.system.malloc import return_memory, spare_memory

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+) kB", open("/proc/self/status").read())[1])

spare_memory()
kept = []
for _ in range(500):
    picture = bytes(60_000)
    kept.append((picture, bytes(600)))
kept = [small for _, small in kept]
before = resident()
return_memory()
print(before - resident())
"""


def test_memory_freed_by_pictures_goes_back_to_the_system() -> None:
    result = subprocess.run([sys.executable, "-c", GROW_AND_SHRINK], capture_output=True, text=True, check=True)
    assert int(result.stdout) > 10_000, "kB of some 30,000"
