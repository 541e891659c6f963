"""The errors that callers can handle, each declared once with its `code`, its HTTP `status` and its meaning.

The meaning is the first line of the docstring; it appears in the documents. A class without its own code or status has
those of its base class. The message of an error names the field, the value and what would be accepted.
"""

from typing import ClassVar


class ApplianceError(Exception):
    """An internal error; the log has the details."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500


class ConfigurationError(ApplianceError):
    """The configuration is invalid. `problems` has every problem found, not only the first."""

    code = "configuration_error"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InvalidRequest(ApplianceError):
    """The request cannot be understood, for example because of bad JSON."""

    code = "invalid_request"
    status = 400


class InvalidValue(InvalidRequest):
    """A value has the wrong type or is out of range; the message names what is accepted."""

    code = "invalid_value"


class TooLarge(InvalidRequest):
    """The request is too large."""

    code = "too_large"
    status = 413


class UnknownName(InvalidRequest):
    """There is no control, argument or command with that name."""

    code = "unknown_name"


class NotFound(ApplianceError):
    """There is no such picture or page."""

    code = "not_found"
    status = 404


class CameraUnavailable(ApplianceError):
    """The camera delivers no frames; the message gives the reason."""

    code = "camera_unavailable"
    status = 503


class CameraLost(CameraUnavailable):
    """An open camera stopped delivering frames and has to be opened again."""


class PrivacyOn(CameraUnavailable):
    """Privacy is on: the camera is closed."""

    code = "privacy_on"
    status = 409


class CorruptFrame(ApplianceError):
    """A frame or a stored picture is damaged."""

    code = "corrupt_frame"


class StorageUnwritable(ApplianceError):
    """The folder of the pictures cannot be written."""

    code = "storage_unwritable"
    status = 507


class StorageFull(StorageUnwritable):
    """The disk is full."""

    code = "storage_full"


class TooManyViewers(ApplianceError):
    """The maximum number of viewers is reached."""

    code = "too_many_viewers"
    status = 503


class Busy(ApplianceError):
    """The appliance is stopping or overloaded; try again."""

    code = "busy"
    status = 503


ERRORS: tuple[type[ApplianceError], ...] = (
    InvalidRequest,
    InvalidValue,
    UnknownName,
    NotFound,
    PrivacyOn,
    TooLarge,
    ApplianceError,
    CorruptFrame,
    CameraUnavailable,
    TooManyViewers,
    Busy,
    StorageUnwritable,
    StorageFull,
)
"""The errors of commands over HTTP and MQTT. `ConfigurationError` ends the program instead."""


def meaning(kind: type[ApplianceError]) -> str:
    """Return the meaning of an error, without the full stop."""
    return (kind.__doc__ or "").strip().splitlines()[0].rstrip(".")
