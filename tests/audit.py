"""Ask whether something of what is deployed has a known vulnerability: `make audit`.

pip-audit says that it found none also where it could not look anything up, so what it asked about is counted here.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parent.parent / "requirements.lock"


def verdict(report: dict[str, Any] | None) -> tuple[int, list[str]]:
    """Return the exit status for pip-audit's report, and what to say: 0 for clean, 1 for findings, 2 for unknown."""
    dependencies = (report or {}).get("dependencies", [])
    skipped = [each["name"] for each in dependencies if "skip_reason" in each]
    lines = [
        f"{each['name']} {each['version']}: {finding['id']}, fixed in {', '.join(finding['fix_versions']) or 'none'}"
        for each in dependencies
        for finding in each.get("vulns", [])
    ]
    if lines:
        return 1, lines
    if not dependencies or skipped:
        missing = f"nothing is known of {', '.join(skipped)}" if skipped else "pip-audit gave no report"
        return 2, [f"NOT audited: the data cannot be reached from here ({missing})"]
    return 0, [f"{len(dependencies)} packages, none with a known vulnerability"]


def main() -> int:
    """Run pip-audit on the lock file and say what came out."""
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory) / "report.json"
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--disable-pip", "--require-hashes"]
        subprocess.run([*command, "--format=json", f"--output={output}", "--progress-spinner=off"], check=False)
        report = json.loads(output.read_text()) if output.exists() and output.stat().st_size else None
    status, lines = verdict(report)
    print(*lines, sep="\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
