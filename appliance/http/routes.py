"""The routes that are not commands, with the right, cost, parameters and media type of each."""

from dataclasses import dataclass

from appliance.commands import Right
from appliance.http import aliases, snapshots, ustreamer
from appliance.parameters import Parameter

SELECTION = Parameter(
    name="ids",
    kind="text",
    help="Picture numbers and ranges, such as `7,9,12-40`; all pictures by default.",
    pattern=r"[0-9]{1,15}(-[0-9]{1,15})?(,[0-9]{1,15}(-[0-9]{1,15})?)*",
    maximum_length=20_000,
)
_PICTURE_ID = Parameter(name="id", kind="integer", minimum=1)


@dataclass(frozen=True, slots=True)
class Route:
    """A route that is not a command.

    A parameter in braces in the path is a whole number, except `{path}`, which may contain slashes. A `lenient` route
    ignores invalid parameters. `right` is the required right, None for none. `cost` is the number of tokens that a
    request takes from the bucket of its address. `schema` is the name of the schema of a JSON response. With
    `shows_errors`, errors of the camera can be pictures too.
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
        "The live stream as MJPEG; also at the paths of other servers, see docs/http.md",
        "multipart/x-mixed-replace",
        ustreamer.STREAM_PARAMETERS,
        lenient=True,
        right="view",
    ),
    Route("/state", "The state in the format of ustreamer", "application/json", right="view"),
    Route(
        aliases.SNAPSHOT,
        "One frame; also at the paths of other servers, see docs/http.md",
        "image/jpeg",
        snapshots.PARAMETERS,
        lenient=True,
        right="view",
        shows_errors=True,
    ),
    Route("/api/pictures/{id}.jpg", "A picture as captured by the camera", "image/jpeg", (_PICTURE_ID,), right="view"),
    Route(
        "/api/pictures/{id}/thumbnail.jpg",
        "The thumbnail of a picture",
        "image/jpeg",
        (_PICTURE_ID,),
        right="view",
        cost=1,
    ),
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
        "200 while frames are fresh, otherwise 503; with details if the request has the right to view",
        "application/json",
        right=None,
        schema="Health",
    ),
    Route("/metrics", "Metrics for Prometheus", "text/plain", right="view"),
)
"""The routes for programs, listed in OpenAPI and docs/commands.md."""

PAGE: tuple[Route, ...] = (
    Route("/", "The page; with `?action=` of mjpg-streamer, the stream or a snapshot", "text/html", right="view"),
    Route(aliases.WEBCAM, "The stream; with `?action=snapshot`, a snapshot", "multipart/x-mixed-replace", right="view"),
    Route(f"{aliases.WEBCAM}/", "The same", "multipart/x-mixed-replace", right="view"),
    Route("/web/{path}", "A file of the page", "", right=None),
    Route("/manifest.webmanifest", "The manifest of the page", "application/manifest+json", right="view"),
    Route("/favicon.ico", "The icon of the page", "image/svg+xml", right=None),
    Route("/take-picture", "Take a picture from a form", "text/html", method="POST"),
    Route("/login", "The login page", "text/html", right=None),
    Route("/login", "Log in", "text/html", right=None, method="POST"),
    Route("/logout", "Log out", "text/html", right=None, method="POST"),
)
"""The routes of the page, which are not meant for programs."""
