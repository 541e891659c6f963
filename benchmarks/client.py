"""The load client: many viewers in one thread, written in C so that it costs less than what it measures."""

import json
import os
import select
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.servers import BenchmarkError, Running

SOURCE = Path(__file__).with_name("viewers.c")
BUILD = SOURCE.parent.parent / "build"


@dataclass(frozen=True)
class Load:
    """What viewers got, and what it cost the server. Ages are in ms, None where frames do not tell them.

    `cpu` is processor time in ms for 1000 delivered frames; `memory` is resident, in MB; `lost` are frames that one
    viewer missed, the one that missed most.
    """

    viewers: int
    fps: float
    fps_least: float
    cpu: float
    lost: int
    bytes_per_frame: float
    megabytes_per_second: float
    age_p50: float | None
    age_p95: float | None
    age_p99: float | None
    memory: float


def build() -> Path:
    """Compile the client if its source has changed. Raises BenchmarkError with the message of gcc."""
    target = BUILD / "viewers"
    if target.exists() and target.stat().st_mtime > SOURCE.stat().st_mtime:
        return target
    BUILD.mkdir(exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}")
    command = [
        os.environ.get("CC", "gcc"),
        "-O2",
        "-Wall",
        "-Wextra",
        "-o",
        str(part),
        str(SOURCE),
        "-lssl",
        "-lcrypto",
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise BenchmarkError(f"the load client cannot be built:\n{result.stderr}")
    part.rename(target)
    return target


def watch(
    running: Running,
    viewers: int,
    seconds: float,
    settle: float,
    *,
    stalled: int = 0,
    rate: float = 0.0,
    is_encrypted: bool = False,
) -> Load:
    """Connect viewers, and measure after they have settled. Raises BenchmarkError if they cannot connect."""
    process = start(running, viewers, seconds, settle, stalled=stalled, rate=rate, is_encrypted=is_encrypted)
    try:
        _line(process, settle + 30)
        before = running.cpu()
        result: dict[str, Any] = json.loads(_line(process, seconds + 30))
        used = running.cpu() - before
    finally:
        end(process)
    if not result["frames"]:
        raise BenchmarkError(f"{running.program.name}: {viewers} viewers got no frame at all")
    if result["gone"]:
        raise BenchmarkError(f"{running.program.name}: {result['gone']} of {viewers} viewers were disconnected")
    return Load(
        viewers=viewers,
        fps=result["fps_mean"],
        fps_least=result["fps_least"],
        cpu=used / result["frames"] * 1e6,
        lost=result["lost_most"],
        bytes_per_frame=result["bytes_per_frame"],
        megabytes_per_second=result["megabytes_per_second"],
        age_p50=result["age_p50_ms"],
        age_p95=result["age_p95_ms"],
        age_p99=result["age_p99_ms"],
        memory=running.memory(),
    )


def start(
    running: Running,
    viewers: int,
    seconds: float,
    settle: float,
    *,
    stalled: int = 0,
    rate: float = 0.0,
    is_encrypted: bool = False,
) -> "subprocess.Popen[str]":
    """Start the client; it prints `counting` when the viewers have settled, and finally one line of JSON."""
    command = [str(build()), "--port", str(running.port), "--path", running.program.stream, "--viewers", str(viewers)]
    command += ["--seconds", str(seconds), "--settle", str(settle), "--stalled", str(stalled), "--rate", str(rate)]
    command += ["--tls"] if is_encrypted else []
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)


def end(process: "subprocess.Popen[str]") -> None:
    """Stop the client if it is still running."""
    process.kill()
    process.communicate()


def until_counting(process: "subprocess.Popen[str]", settle: float) -> None:
    """Wait until the viewers have settled. Raises BenchmarkError."""
    _line(process, settle + 30)


def _line(process: "subprocess.Popen[str]", seconds: float) -> str:
    """Return the next line of the client's output. Raises BenchmarkError with its message if it ends without one."""
    assert process.stdout is not None
    until = time.monotonic() + seconds
    while select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
        if line := process.stdout.readline():
            return line
        raise BenchmarkError(process.communicate()[1].strip() or "the load client ended without a word")
    raise BenchmarkError(f"the load client says nothing for {seconds:g} s")
