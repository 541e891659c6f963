"""One window of each browser for the whole run. With pytest-xdist and `--dist loadgroup` they run beside each other."""

from collections.abc import Iterator

import pytest

from tests.browsers.browser import Browser
from tests.browsers.engines import ENGINES, Running, start


@pytest.fixture(
    scope="session", params=[pytest.param(engine, marks=pytest.mark.xdist_group(engine)) for engine in ENGINES]
)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A browser that runs."""
    with start(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


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
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", []):
                terminalreporter.write_line(f"{name}: {value}")
