"""Every error has its code, its HTTP status and its meaning, in one place; the documents follow."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import appliance
from appliance.declared import ERRORS
from appliance.documentation import documents
from appliance.errors import ApplianceError, CameraLost, ConfigurationError, meaning
from appliance.mqtt.forget import ForgetError

ENDING_A_PROGRAM = {ConfigurationError, ForgetError}  # no command answers with them


def kinds(kind: type[ApplianceError] = ApplianceError) -> Iterator[type[ApplianceError]]:
    """Yield the class and all below it, of every module of the appliance."""
    yield kind
    for each in kind.__subclasses__():
        yield from kinds(each)


for module in pkgutil.walk_packages(appliance.__path__, "appliance."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)


@pytest.mark.parametrize("kind", sorted(set(kinds()), key=str))
def test_every_error_has_an_entry_with_its_code_status_and_meaning(kind: type[ApplianceError]) -> None:
    assert kind.__module__.startswith("appliance.")
    if "code" in vars(kind) and kind not in ENDING_A_PROGRAM:
        assert kind in ERRORS
        assert f"| `{kind.code}` | {kind.status} | {meaning(kind)}" in documents()["docs/commands.md"]
    assert kind.code in {each.code for each in ERRORS} or kind in ENDING_A_PROGRAM
    assert 400 <= kind.status < 600
    assert meaning(kind)


def test_a_code_stands_for_one_error() -> None:
    codes = [kind.code for kind in ERRORS]
    assert len(set(codes)) == len(codes)


def test_an_error_without_a_code_of_its_own_has_that_of_its_base_class() -> None:
    assert (CameraLost.code, CameraLost.status) == ("camera_unavailable", 503)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("invalid_request", 400),
        ("invalid_value", 400),
        ("unknown_name", 400),
        ("login_required", 401),
        ("not_permitted", 403),
        ("cross_site", 403),
        ("not_found", 404),
        ("method_not_allowed", 405),
        ("privacy_on", 409),
        ("too_large", 413),
        ("unsupported_media_type", 415),
        ("unknown_host", 421),
        ("too_many_requests", 429),
        ("internal_error", 500),
        ("corrupt_frame", 500),
        ("camera_unavailable", 503),
        ("too_many_viewers", 503),
        ("busy", 503),
        ("storage_full", 507),
        ("storage_unwritable", 507),
    ],
)
def test_the_status_of_an_error_stays_what_it_was(code: str, status: int) -> None:
    assert {kind.code: kind.status for kind in ERRORS}[code] == status
