"""A disk that keeps a record of every change, fails on demand, and tells what a power cut could leave.

`disk.c` is preloaded into the unmodified program: the boundary is the C library, so Python's real code runs, and the
kernel's. `RecordedDisk` is the other end of it; `PowerCuts` plays the record back.
"""

from tests.disk.power import Content, PowerCuts
from tests.disk.recorded import Change, RecordedDisk

__all__ = ["Change", "Content", "PowerCuts", "RecordedDisk"]
