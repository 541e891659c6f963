"""`python -m benchmarks`: measure everything and write docs/benchmarks.md; `--quick` writes to the terminal only."""

import argparse
import json
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks import client, report
from benchmarks.plan import FULL, QUICK
from benchmarks.run import Benchmark
from benchmarks.servers import BenchmarkError

ROOT = Path(__file__).parent.parent


def main() -> int:
    """Run the command line; return the exit status: 1 if a measurement failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="measure the most important values in two minutes, and write no documents"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that all started programs are stopped
    machine = report.machine()
    if machine.is_busy:
        print(f"the machine is busy (load {machine.load:.1f}): ratios of processor time hold, ages do not")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as directory:
        try:
            benchmark = Benchmark(QUICK if options.quick else FULL, Path(directory))
            results = benchmark.run()
        except BenchmarkError as error:
            print(error, file=sys.stderr)
            return 1
    client.BUILD.mkdir(exist_ok=True)
    (client.BUILD / "benchmarks.json").write_text(json.dumps(asdict(results), indent=1) + "\n", encoding="utf-8")
    if options.quick:
        print("\n" + report.summary(results))
    else:
        programs = [*benchmark.pair, *benchmark.others, *([benchmark.motion] if benchmark.motion else [])]
        (ROOT / "docs/benchmarks.md").write_text(report.document(results, machine, programs), encoding="utf-8")
        (ROOT / "docs/benchmarks.svg").write_text(report.chart(results), encoding="utf-8")
        print("\n" + report.summary(results) + "\n\nwritten: docs/benchmarks.md, docs/benchmarks.svg")
    return 1 if results.problems else 0


if __name__ == "__main__":
    sys.exit(main())
