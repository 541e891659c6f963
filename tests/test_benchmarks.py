"""The benchmark's own code: what it computes, what it draws, and that its load client counts right."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from benchmarks import client, report
from benchmarks.chart import Panel, document
from benchmarks.client import Load
from benchmarks.figures import median, percentile, plain, ratio, table
from benchmarks.results import Idle, Latency, Raw, Results, Stalled, Start, Visits
from benchmarks.servers import BenchmarkError, Program, Running, appliance
from benchmarks.targets import targets
from tests.running import PATIENCE
from tests.simcam import SimulatedCamera


def load(viewers: int = 1, **figures: Any) -> Load:
    values: dict[str, Any] = {
        "fps": 30.0,
        "fps_least": 29.5,
        "cpu": 100.0,
        "lost": 0,
        "bytes_per_frame": 60000.0,
        "megabytes_per_second": 1.8,
        "age_p50": 1.0,
        "age_p95": 2.0,
        "age_p99": 3.0,
        "memory": 70.0,
    }
    return Load(viewers, **(values | figures))


@pytest.fixture
def results() -> Results:
    """Everything measured, ours at a tenth of theirs."""
    results = Results("appliance", "ustreamer 9")
    for name, factor in (("appliance", 0.1), ("ustreamer 9", 1.0)):
        figures: dict[str, Any] = {
            "cpu": 200 * factor,
            "age_p50": 5 * factor,
            "age_p95": 20 * factor,
            "age_p99": 30 * factor,
        }
        results.loads[name] = {viewers: [load(viewers, **figures)] for viewers in (1, 10, 100, 300)}
        results.slow[name] = load(**figures)
        results.stalled[name] = Stalled(load(50), 70.0)
        results.snapshots[name] = {0: Latency(20, 30), 100: Latency(30, 60)}
        results.requests[name] = 1000.0
        results.raw[name] = Raw(5 * factor, 90000.0, "420", 30.0)
        results.starts[name] = [Start(0.3, 0.6)]
        results.idle[name] = Idle(0.01, 70.0)
    results.visits["appliance"] = Visits(200, 600.0, 71.0, 71.2, 72.0)
    results.encrypted[10] = load(10)
    return results


@pytest.mark.parametrize(
    ("values", "part", "wanted"), [([], 0.5, None), ([3], 0.99, 3), (range(101), 0.95, 95), ([9, 1, 5], 0.5, 5)]
)
def test_a_percentile_is_one_of_the_values(values: list[float], part: float, wanted: float | None) -> None:
    assert percentile(values, part) == wanted


def test_unknown_readings_stay_unknown() -> None:
    assert median([None, 3.0, 1.0, 2.0]) == 2.0
    assert median([None]) is None
    assert ratio(None, 2.0) is None
    assert ratio(1.0, 0.0) is None
    assert ratio(1.0, 4.0) == 0.25
    assert [plain(number) for number in (None, 0.123, 12.34, 1234.5)] == ["–", "0.12", "12.3", "1234"]


def test_a_table_is_aligned() -> None:
    assert table(["a", "long head"], [["text", "x"]]) == (
        "| a    | long head |\n| ---- | --------- |\n| text | x         |"
    )


def test_all_targets_are_met_or_missed_by_the_figures(results: Results) -> None:
    assert [target.what for target in targets(results) if not target.is_met] == []
    results.loads["appliance"][100] = [load(100, cpu=190.0, age_p99=40.0)]
    missed = {target.what for target in targets(results) if target.is_met is False}
    assert missed == {
        "CPU for a delivered frame, 100 viewers, of ustreamer's",
        "age of a frame, p99, 100 viewers, of ustreamer's",
        "age of a frame, p99, 100 viewers",
    }
    assert all(target.is_met is None for target in targets(Results("appliance", "ustreamer 9")))


def test_the_page_shows_every_fact_including_missing_ones(results: Results) -> None:
    results.problems.append("motion is missing:\napt install motion")
    results.loads["ustreamer 9"][1] = [load(1, cpu=4321.0)]
    program = Program("ustreamer 9", "9", lambda job: ["/usr/bin/ustreamer", "-p", str(job.port)])
    page = report.document(results, report.machine(), [program])
    for words in ("4321", "72.0 MB", "+0.2 MB", "appliance, TLS", "- motion is missing: apt install motion", "met"):
        assert words in page
    assert "\nustreamer -p 8080\n" in page
    for line in page.splitlines():
        assert line == line.rstrip()


def test_the_chart_is_an_image_with_a_bar_for_each_figure(results: Results) -> None:
    root = ElementTree.fromstring(report.chart(results))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    bars = root.findall(".//{*}rect")
    assert len(bars) == 3 * (2 + 2 * 4)  # panels, each with a legend and the bars


def test_a_chart_leaves_out_what_was_not_measured() -> None:
    root = ElementTree.fromstring(document([Panel("<&>", ["1", "2"], {"a": [None, 0.0], "b": [None, None]})]))
    assert next(text.text for text in root.findall(".//{*}text")) == "<&>"
    assert len(root.findall(".//{*}rect")) == 2 + 1


def test_the_load_client_counts_frames_and_reads_their_age(tmp_path: Path, simcam: SimulatedCamera) -> None:
    with Running(appliance(), simcam, tmp_path / "run", options={"http.tls_self_signed": True}) as running:
        running.until_frame(is_encrypted=True)
        found = client.watch(running, 5, 1.0, 0.5, is_encrypted=True)
        assert running.memory() > 10
        pid = running.pid
    assert found.fps > 5
    assert found.bytes_per_frame > 10000
    assert found.age_p50 is not None
    assert 0 < found.age_p50 < 1000 * PATIENCE
    assert found.cpu > 0
    assert not Path(f"/proc/{pid}").exists()


def test_a_program_that_ends_is_a_clear_error(tmp_path: Path, simcam: SimulatedCamera) -> None:
    program = Program("broken", "1", lambda job: ["sh", "-c", "echo no such camera; exit 3"])
    with Running(program, simcam, tmp_path / "run") as running, pytest.raises(BenchmarkError, match="no such"):
        running.until_frame()
