"""Schemathesis asks everything that our own OpenAPI document allows, and a lot that it does not.

`python -m tests.http.fuzz --examples 1000` (`make fuzz`) does it for long; a test does it briefly.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.running import RunningAppliance, clean_environment
from tests.simcam import SimulatedCamera

TOKEN = "token-that-controls"
ENVIRONMENT = {"CAMERA_APPLIANCE_HTTP_TOKEN": TOKEN}
# Wrong secrets are among what is asked, so each request comes from an address of its own: see `hooks`.
SETTINGS = {"http.trusted_proxies": "127.0.0.1"}
HERE = Path(__file__).parent


def fuzz(appliance: RunningAppliance, examples: int, seed: int | None = None) -> subprocess.CompletedProcess[str]:
    """Ask so many examples of each operation, in all phases and with all checks; return what came out."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        appliance.url + "api/openapi.json",
        "--phases=examples,coverage,fuzzing,stateful",
        f"--max-examples={examples}",
        f"--header=Authorization: Bearer {TOKEN}",
        "--generation-database=none",
        "--no-color",
        *([f"--seed={seed}"] if seed is not None else []),
    ]
    environment = clean_environment(SCHEMATHESIS_HOOKS="tests.http.hooks", PYTHONPATH=str(HERE.parent.parent))
    return subprocess.run(
        command, cwd=appliance.directory, env=environment, capture_output=True, text=True, check=False
    )


def main() -> int:
    """Fuzz until all examples are asked; write the report to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1000, help="of each operation")
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        SimulatedCamera(Path(folder) / "camera") as camera,
        RunningAppliance(Path(folder), "auto", ENVIRONMENT | camera.environment, SETTINGS) as appliance,
    ):
        found = fuzz(appliance, options.examples, options.seed)
        print(found.stdout, found.stderr, sep="\n")
        if "Traceback" in appliance.log:
            print(appliance.log)
            return 1
    return found.returncode


if __name__ == "__main__":
    sys.exit(main())
