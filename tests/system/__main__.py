"""Prepare what needs the Internet, then run the tests on a network of their own, where only the machine is.

`SKIP_SYSTEM=1` skips the tests, for a machine that cannot boot another; without it such a machine fails, and says why.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.deploy.ansible import ROLE
from tests.system.tree import PYTHON, cache, tree

ROOT = Path(__file__).resolve().parents[2]
# Whatever happens to the tests, nothing outlives them: a process space of its own ends with its first process.
ALONE = ("unshare", "--net", "--pid", "--mount-proc", "--fork", "--kill-child")


def obstacle(*tools: str) -> str | None:
    """Return why no machine can be booted here with these tools, if so."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux can boot a machine"
    missing = [tool for tool in (*tools, "mmdebstrap", "unshare", "ssh") if not shutil.which(tool)]
    if missing:
        return f"{', '.join(missing)} is missing"
    tried = subprocess.run([*ALONE, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False)
    return f"no network of its own can be had: {tried.stderr.strip()}" if tried.returncode else None


def prepare() -> None:
    """Build the tree, and gather the wheels of the release for it, unless they are in the cache."""
    print(f"the tree of the machine: {tree()}", flush=True)
    gather(os.uname().machine)


def gather(machine: str) -> None:
    """Put the wheels of the release for that kind of machine into the cache. Raises CalledProcessError."""
    locks = [f"--lock={ROOT / 'requirements.lock'}", f"--lock={ROLE / 'files' / 'installer.lock'}"]
    wheels = [str(ROLE / "files" / "wheels.py"), f"--wheel={ROOT / 'dist'}", *locks]
    host = (f"--python={PYTHON}", f"--machine={machine}")
    environment = os.environ | {"XDG_CACHE_HOME": str(cache().parent)}
    subprocess.run([sys.executable, *wheels, *host], env=environment, check=True)


def main() -> int:
    """Run the tests and return their exit status."""
    pytest = [sys.executable, "-m", "pytest", "--no-header", "-p", "no:cacheprovider", "tests/system", *sys.argv[1:]]
    if os.environ.get("SKIP_SYSTEM") == "1":
        return subprocess.run(pytest, cwd=ROOT, check=False).returncode
    if reason := obstacle("systemd-nspawn"):
        print(f"{reason}; SKIP_SYSTEM=1 leaves these tests out", file=sys.stderr)
        return 1
    prepare()
    alone = [*ALONE, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *pytest]
    return subprocess.run(alone, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
