"""The errors a caller can act on. Each has a stable `code` word and knows no transport.

ApplianceError                   internal_error
├── ConfigurationError           configuration_error
├── InvalidRequest               invalid_request
│   ├── InvalidValue             invalid_value
│   ├── TooLarge                 too_large
│   └── UnknownName              unknown_name
├── NotFound                     not_found
├── CameraUnavailable            camera_unavailable
│   ├── CameraLost               camera_unavailable
│   └── PrivacyOn                privacy_on
├── CorruptFrame                 corrupt_frame
├── StorageUnwritable            storage_unwritable
│   └── StorageFull              storage_full
├── TooManyViewers               too_many_viewers
└── Busy                         busy

The message of an error is written for the person who caused it: it names the field, the value and what would do.
"""


class ApplianceError(Exception):
    """Anything that went wrong in a way that is worth telling the caller."""

    code = "internal_error"


class ConfigurationError(ApplianceError):
    """The configuration cannot be used. Holds every problem found, not only the first."""

    code = "configuration_error"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InvalidRequest(ApplianceError):
    """The request cannot be understood."""

    code = "invalid_request"


class InvalidValue(InvalidRequest):
    """A value has the wrong type or is out of range."""

    code = "invalid_value"


class TooLarge(InvalidRequest):
    """The request has more bytes than are accepted."""

    code = "too_large"


class UnknownName(InvalidRequest):
    """There is no command, argument or control of that name."""

    code = "unknown_name"


class NotFound(ApplianceError):
    """The thing asked for does not exist, or exists no longer."""

    code = "not_found"


class CameraUnavailable(ApplianceError):
    """The camera gives no pictures now; the message says why."""

    code = "camera_unavailable"


class CameraLost(CameraUnavailable):
    """An open camera stopped delivering and has to be opened again."""


class PrivacyOn(CameraUnavailable):
    """The camera is closed because somebody wants it so."""

    code = "privacy_on"


class CorruptFrame(ApplianceError):
    """One frame of the camera is damaged; the next one may be good."""

    code = "corrupt_frame"


class StorageUnwritable(ApplianceError):
    """A picture cannot be stored: read-only, not permitted, or a failing disk."""

    code = "storage_unwritable"


class StorageFull(StorageUnwritable):
    """A picture cannot be stored because the disk is full."""

    code = "storage_full"


class TooManyViewers(ApplianceError):
    """All places for viewers are taken."""

    code = "too_many_viewers"


class Busy(ApplianceError):
    """The appliance is stopping or has too much to do; try again."""

    code = "busy"
