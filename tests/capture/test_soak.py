"""A few rounds of `make soak`: nothing leaks, nobody is lost."""

from pathlib import Path

from tests.soak import VIEWERS, Soak


def test_replugs_format_changes_and_a_stall_lose_no_viewer_and_no_memory(tmp_path: Path) -> None:
    with Soak(tmp_path, stall_timeout=1) as soak:
        report = soak.run(cycles=10, formats=5, stalls=1)
    print(report)
    assert (len(report.replugged), len(report.stalled)) == (10, 1)
    assert len(report.formatted) >= 5
    assert report.parts > VIEWERS * 10
    assert report.events > 10
