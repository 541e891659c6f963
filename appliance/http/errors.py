"""The errors that occur only over HTTP."""

from appliance.errors import ApplianceError


class LoginRequired(ApplianceError):
    """Not authenticated: log in, or send a token."""

    code = "login_required"
    status = 401


class NotPermitted(ApplianceError):
    """Authenticated, but without the required right."""

    code = "not_permitted"
    status = 403


class CrossSite(ApplianceError):
    """A page of another site requested a change."""

    code = "cross_site"
    status = 403


class MethodNotAllowed(ApplianceError):
    """The path does not support this method."""

    code = "method_not_allowed"
    status = 405


class UnsupportedMediaType(ApplianceError):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"
    status = 415


class UnknownHost(ApplianceError):
    """The host name of the request is not a name of the appliance."""

    code = "unknown_host"
    status = 421


class TooManyRequests(ApplianceError):
    """Too many requests from one address; `Retry-After` is the number of seconds to wait.

    `retry_after` is that number.
    """

    code = "too_many_requests"
    status = 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


ERRORS: tuple[type[ApplianceError], ...] = (
    LoginRequired,
    NotPermitted,
    CrossSite,
    MethodNotAllowed,
    UnsupportedMediaType,
    UnknownHost,
    TooManyRequests,
)
