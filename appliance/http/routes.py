"""The routes that are not commands, with what each needs, costs, takes and answers."""

from dataclasses import dataclass

from appliance.commands import Right
from appliance.http import aliases, snapshots, ustreamer
from appliance.parameters import Parameter

SELECTION = Parameter(
    name="ids",
    kind="text",
    help="Numbers and spans of numbers, such as `7,9,12-40`; without it, all pictures.",
    pattern=r"[0-9]{1,15}(-[0-9]{1,15})?(,[0-9]{1,15}(-[0-9]{1,15})?)*",
    maximum_length=20_000,
)
_PICTURE_ID = Parameter(name="id", kind="integer", minimum=1)


@dataclass(frozen=True, slots=True)
class Route:
    """A route that is not a command.

    A parameter in braces in the path is a whole number, but for `{path}`, which may contain slashes. A `lenient` route
    ignores parameters that it cannot understand. `right` is needed for it, None for none. `cost` is what a request
    takes from the bucket of its address: 0 where it is not worth counting. `schema` names that of the JSON in the
    response. Where `shows_errors`, errors of the camera can be pictures too.
    """

    path: str
    summary: str
    media_type: str
    parameters: tuple[Parameter, ...] = ()
    lenient: bool = False
    right: Right | None = "control"
    cost: int = 0
    schema: str = ""
    shows_errors: bool = False
    method: str = "GET"


API: tuple[Route, ...] = (
    Route(
        aliases.STREAM,
        "The live picture, as MJPEG; also at the addresses of other servers, see docs/http.md",
        "multipart/x-mixed-replace",
        ustreamer.STREAM_PARAMETERS,
        lenient=True,
        right="view",
    ),
    Route("/state", "The state in the format of ustreamer", "application/json", right="view"),
    Route(
        aliases.SNAPSHOT,
        "One frame; also at the addresses of other servers, see docs/http.md",
        "image/jpeg",
        snapshots.PARAMETERS,
        lenient=True,
        right="view",
        shows_errors=True,
    ),
    Route("/api/pictures/{id}.jpg", "A picture, as the camera made it", "image/jpeg", (_PICTURE_ID,), right="view"),
    Route("/api/pictures/{id}/thumbnail.jpg", "A picture, small", "image/jpeg", (_PICTURE_ID,), right="view", cost=1),
    Route(
        "/api/pictures.zip", "Several pictures in a ZIP archive", "application/zip", (SELECTION,), right="view", cost=5
    ),
    Route("/api/events", "Server-Sent Events: state, controls, picture, pictures", "text/event-stream", right="view"),
    Route(
        "/api/access",
        "The user and the rights of this request, and the users who can log in",
        "application/json",
        right=None,
        schema="Access",
    ),
    Route("/api/openapi.json", "This document", "application/json", right="view"),
    Route(
        "/healthz",
        "200 while frames are fresh, else 503; with details if the request has the right to view",
        "application/json",
        right=None,
        schema="Health",
    ),
    Route("/metrics", "Metrics for Prometheus", "text/plain", right="view"),
)
"""The routes for programs. OpenAPI and docs/commands.md list them."""

PAGE: tuple[Route, ...] = (
    Route("/", "The page, or what `?action=` of mjpg-streamer asks for", "text/html", right="view"),
    Route(aliases.WEBCAM, "The stream, or what `?action=` asks for", "multipart/x-mixed-replace", right="view"),
    Route(f"{aliases.WEBCAM}/", "The same", "multipart/x-mixed-replace", right="view"),
    Route("/web/{path}", "A file of the page", "", right=None),
    Route("/manifest.webmanifest", "The manifest of the page", "application/manifest+json", right="view"),
    Route("/favicon.ico", "The icon of the page", "image/svg+xml", right=None),
    Route("/take-picture", "Take a picture from a form", "text/html", method="POST"),
    Route("/login", "The login page", "text/html", right=None),
    Route("/login", "Log in", "text/html", right=None, method="POST"),
    Route("/logout", "Log out", "text/html", right=None, method="POST"),
)
"""The routes of the page, which are not for programs."""
