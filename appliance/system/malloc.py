"""What Python's and glibc's allocators are told, so that a process that runs for years stays small.

See mallopt(3), malloc_trim(3), and gc in Python's documentation.
"""

import ctypes
import gc

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # M_ARENA_MAX and M_MMAP_THRESHOLD
_LARGE = 524288  # bytes: more than a JPEG picture, less than a decoded one


def spare_memory() -> None:
    """Let all threads allocate from one place: each with its own keeps what it has freed, 10 MB with ten workers.

    What is large goes back to the system when it is freed.
    """
    libc = ctypes.CDLL(None)
    libc.mallopt(_ARENA_MAX, 1)
    libc.mallopt(_MMAP_THRESHOLD, _LARGE)


def settle() -> None:
    """Take all objects that exist now for ones that stay: collections then look only at what comes later.

    Otherwise Python waits for a quarter as many new ones, some 15,000, before it looks for cycles among all of them.
    """
    gc.collect()
    gc.freeze()


def return_memory() -> None:
    """Give back to the system what is free between pieces in use.

    Pictures come and go among small things that stay, so glibc itself finds little at the end of its heap.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
