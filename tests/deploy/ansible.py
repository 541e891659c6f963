"""Real Ansible, away from the configuration of whoever runs the tests."""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "ansible"
ROLE = FOLDER / "roles" / "camera_appliance"


def ansible(
    work: Path, tool: str, *arguments: str, timeout: float = 600, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a tool of Ansible in the folder of site.yml; what it caches goes to `work`."""
    ours = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    ours |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{ours['PATH']}",
        "HOME": str(work),
        "ANSIBLE_HOME": str(work / "ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
        **environment,
    }
    return subprocess.run(
        [str(Path(sys.executable).parent / tool), *arguments],
        cwd=FOLDER,
        env=ours,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
