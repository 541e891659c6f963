"""Collect the wheels of a release on the controller, each checked against the hash in the lock file.

They are cached, in one archive for each set of lock files, Python version and architecture. Prints as JSON:
`release`, the name of the release's folder; `archive` and `name`, the path of the archive and its file name.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

GLIBC = range(17, 37)  # manylinux_2_17 is the oldest name of the aarch64 wheels; Debian 12 has glibc 2.36


def platforms(machine: str) -> list[str]:
    """Return the tags of wheels that run on Debian 12 and later, on `x86_64` or `aarch64`."""
    return [*(f"manylinux_2_{minor}_{machine}" for minor in GLIBC), f"manylinux2014_{machine}"]


def version_of(wheel: Path) -> str:
    """Return the version in the name of a wheel. Raises ValueError if it is not a wheel of the appliance."""
    match = re.fullmatch(r"camera_appliance-([^-]+)-.+\.whl", wheel.name)
    if not match:
        raise ValueError(f"{wheel} is not a wheel of the Camera Appliance (camera_appliance-VERSION-....whl)")
    return match[1]


def newest(folder: Path) -> Path:
    """Return the most recent wheel of the appliance. Raises ValueError if there is none."""
    wheels = sorted(folder.glob("camera_appliance-*.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        raise ValueError(f"there is no wheel in {folder}: run `make wheel`, or name one in camera_appliance_wheel")
    return wheels[-1]


def fingerprint(*parts: bytes) -> str:
    """Return a hash of these byte strings."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()


def gather(locks: list[Path], python: str, machine: str, target: Path) -> None:
    """Download the wheels and pack them into `target`, with the first lock. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(dir=target.parent) as work:
        tags = [part for tag in platforms(machine) for part in ("--platform", tag)]
        for lock in locks:
            subprocess.run(
                [
                    *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"),
                    *("--no-deps", "--only-binary=:all:", "--require-hashes", "--implementation", "cp"),
                    *("--python-version", python, *tags, "--dest", work, "--requirement", str(lock)),
                ],
                check=True,
                capture_output=True,
                text=True,
            )
        packed = Path(work) / "packed"
        with tarfile.open(packed, "w") as archive:
            archive.add(locks[0], "requirements.lock")
            for wheel in sorted(Path(work).glob("*.whl")):
                archive.add(wheel, wheel.name)
        packed.rename(target)


def main() -> None:
    """Collect the wheels for the Python and the machine of the arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--wheel", type=Path, required=True, help="the wheel of the appliance, or a folder that contains it"
    )
    parser.add_argument("--lock", type=Path, action="append", required=True)
    parser.add_argument("--python", required=True)
    parser.add_argument("--machine", required=True)
    options = parser.parse_args()
    try:
        wheel = newest(options.wheel) if options.wheel.is_dir() else options.wheel
        version, content = version_of(wheel), wheel.read_bytes()
        set_of_wheels = fingerprint(
            *(lock.read_bytes() for lock in options.lock), options.python.encode(), options.machine.encode()
        )
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "camera-appliance" / "wheels"
        cache.mkdir(parents=True, exist_ok=True)
        archive = cache / f"python{options.python}-{options.machine}-{set_of_wheels[:12]}.tar"
        if not archive.exists():
            gather(options.lock, options.python, options.machine, archive)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"the wheels could not be collected:\n{error.stderr}")
    release = f"{version}-{fingerprint(content, set_of_wheels.encode())[:8]}"
    print(json.dumps({"release": release, "wheel": str(wheel.resolve()), "archive": str(archive)}))


if __name__ == "__main__":
    main()
