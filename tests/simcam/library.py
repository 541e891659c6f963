"""Build the preloaded C library, and find the folder that keeps what is built."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "simcam.c"
FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-U_FORTIFY_SOURCE")


def build_directory() -> Path:
    """The folder for built things: $SIMCAM_BUILD, else `build` beside this file (ignored by git)."""
    directory = Path(os.environ.get("SIMCAM_BUILD") or HERE / "build")
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextmanager
def build_lock(name: str) -> Iterator[None]:
    """Hold the lock `name` of the build folder, so that tests that start together build a thing once."""
    with open(build_directory() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def library(source: Path = SOURCE) -> Path:
    """The path of the library for LD_PRELOAD, built if its source is new. Raises RuntimeError with gcc's words."""
    # Named by its source: a process that still runs with an older library is not disturbed by a new one.
    digest = hashlib.sha256(source.read_bytes() + repr(FLAGS).encode()).hexdigest()[:12]
    target = build_directory() / f"{source.stem}-{digest}.so"
    with build_lock("library"):
        if not target.exists():
            part = target.with_suffix(".part")
            command = [os.environ.get("CC", "gcc"), *FLAGS, "-o", str(part), str(source), "-ldl", "-lpthread"]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if result.returncode:
                raise RuntimeError(f"cannot build {source.name}:\n{result.stderr}")
            part.rename(target)
    return target
