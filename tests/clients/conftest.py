"""Two appliances for all tests of the clients: an open one, and one that wants a password or a token."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.place import Place, place

ENVIRONMENTS = Path(__file__).parents[2] / "build" / "clients"
"""Where `make test-clients` installs programs of the Python registry, each in an environment of its own."""
LONG = float(os.environ.get("CLIENT_SECONDS", "10"))
"""How long each client watches, in s."""


@pytest.fixture(scope="session")
def open_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An appliance that everybody may watch."""
    with place(tmp_path_factory.mktemp("open")) as opened:
        yield opened


@pytest.fixture(scope="session")
def closed_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """An appliance that wants a password or a token."""
    with place(tmp_path_factory.mktemp("closed"), closed=True) as closed:
        yield closed
