"""One window of each browser for the whole run; `--numprocesses 3` runs the three browsers beside each other."""

from collections.abc import Iterator

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.browsers.browser import Browser
from tests.browsers.engines import ENGINES, Running, start
from tests.running import RunningAppliance, eventually
from tests.simcam import SimulatedCamera


class ByEngine(LoadScopeScheduling):  # type: ignore[misc]
    """Gives all tests of a browser to one process, so that each browser is started once."""

    def _split_scope(self, nodeid: str) -> str:
        return next((engine for engine in ENGINES if f"[{engine}" in nodeid), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByEngine:
    """Distribute the tests over the processes."""
    return ByEngine(config, log)


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A browser that runs."""
    with start(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def appliance(shared: RunningAppliance, shared_simcam: SimulatedCamera) -> RunningAppliance:
    """An appliance with a simulated camera, `shared_simcam`: live, with all values as they were at first."""
    try:
        shared.state()
    except OSError:  # a test that failed has left it so
        shared.kill()
        shared.start()
    shared_simcam.plug()
    assert shared.ask("PUT", "/api/privacy", {"on": False}).status == 200
    shared.until_live()
    assert shared.ask("POST", "/api/controls/reset").status == 200
    assert shared.ask("PATCH", "/api/format", {"width": 1280, "height": 720, "fps": 30}).status == 200
    eventually(lambda: shared.state()["viewers"] == 0, "no viewer of another test")
    return shared


@pytest.fixture
def browser(engine: Running) -> Iterator[Browser]:
    """A window of 1280x800 without cookies; an error on the page fails the test."""
    browser = engine.browser
    browser.resize(1280, 800)
    yield browser
    errors = browser.errors
    browser.forget_cookies()
    browser.leave()
    assert errors == []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures that tests recorded."""
    every = (report for reports in terminalreporter.stats.values() for report in reports)
    for report in every:
        if getattr(report, "when", "") == "call":
            for name, value in report.user_properties:
                terminalreporter.write_line(f"{name}: {value}")
