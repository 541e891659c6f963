"""The routes: each turns a request into a command, and its result into a response."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import bottle
from bottle import Bottle, HTTPResponse, request, response

from appliance import json_codec
from appliance.commands import Command, Commands
from appliance.errors import ApplianceError, CameraUnavailable, NotFound
from appliance.events import Event
from appliance.facts import Fact
from appliance.http import aliases, snapshots, ustreamer
from appliance.http.authorization import Authorization, client
from appliance.http.broadcaster import Broadcaster
from appliance.http.compression import encode
from appliance.http.conditional import has_newest, whole_or_part
from appliance.http.downloads import Downloads
from appliance.http.headers import header
from appliance.http.limits import Buckets
from appliance.http.openapi import document
from appliance.http.page import PageFiles
from appliance.http.prefix import with_prefix
from appliance.http.responses import body, handle_errors, http_error, query
from appliance.http.routes import API, PAGE, SELECTION
from appliance.http.server import HAND_OVER
from appliance.http.subscribers import BYTES_TYPE, STREAM_TYPE
from appliance.parameters import Text
from appliance.service import Appliance
from appliance.service.camera import CONTROLS
from appliance.service.status import STATE

# Without scripts, a browser shows a bare JPEG in a frame at full size, so that only its corner is visible.
_PICTURE_PAGE = """<!doctype html>
<html lang="en">
  <head><title>Picture {id}</title><link rel="stylesheet" href="web/style.css" /></head>
  <body><main class="taken"><img src="api/pictures/{id}.jpg" alt="Picture {id}" /></main></body>
</html>
"""
_IMMUTABLE = "private, max-age=31536000, immutable"  # picture numbers are never reused
_NUMBER = r":re:[1-9][0-9]{0,11}>"
_ROUTES = {(route.method, route.path): route for route in (*API, *PAGE)}


class Routes:
    """All routes of the appliance on one Bottle application."""

    def __init__(
        self,
        appliance: Appliance,
        commands: Commands,
        broadcaster: Broadcaster,
        facts: Iterable[Fact],
        metrics: Callable[[], tuple[bytes, str]],
        web: Path,
        authorization: Authorization,
        quality: int,
    ) -> None:
        self._appliance = appliance
        self._broadcaster = broadcaster
        self._metrics = metrics
        self._files = PageFiles(web)
        self._downloads = Downloads()
        self._authorization = authorization
        self._quality = quality
        per_address = 2 * broadcaster.max_per_address
        self._new_streams = Buckets("new streams", per_address, per_address / 5)
        self._openapi = document(commands, facts)
        self.application = Bottle()
        self.application.default_error_handler = http_error
        self.application.install(encode)
        self.application.install(handle_errors)
        self.application.install(authorization)
        self.application.add_hook("before_request", _refuse_undecodable_path)
        for command in commands.values():
            self._route_command(command)
        self._add_routes()
        self._add_page()

    def _add_routes(self) -> None:
        """Add the routes for programs that are not commands."""
        self._route(aliases.STREAM, self._stream)
        self._route("/state", self._ustreamer_state)
        self._route(aliases.SNAPSHOT, self._snapshot)
        self._route("/api/pictures/{id}.jpg", self._picture)
        self._route("/api/pictures/{id}/thumbnail.jpg", self._thumbnail)
        self._route("/api/pictures.zip", self._archive)
        self._route("/api/events", self._events)
        self._route("/api/access", self._authorization.describe)
        self._route("/api/openapi.json", self._describe)
        self._route("/healthz", self._health)
        self._route("/metrics", self._metrics_text)

    def _add_page(self) -> None:
        """Add the routes of the page."""
        authorization, name = self._authorization, self._appliance.status.name
        self._route("/", self._home)
        for webcam in (aliases.WEBCAM, f"{aliases.WEBCAM}/"):
            self._route(webcam, self._webcam)
        self._route("/web/{path}", self._files.respond)
        self._route("/manifest.webmanifest", lambda: self._files.manifest(name))
        self._route("/favicon.ico", lambda: self._files.respond("icons/live.svg"))
        self._route("/take-picture", self._take_picture, "POST")
        self._route("/login", authorization.login_page)
        self._route("/login", authorization.log_in, "POST")
        self._route("/logout", authorization.log_out, "POST")

    def _route(self, path: str, callback: Callable[..., Any], method: str = "GET") -> None:
        """Register the function of a declared route and of its aliases."""
        route = _ROUTES[method, path]
        for each in aliases.paths(path):
            rule = re.sub(r"{(\w+)}", rf"<\1{_NUMBER}", each.replace("{path}", "<path:path>"))
            self.application.route(rule, method, callback, right=route.right, cost=route.cost)

    def _route_command(self, command: Command) -> None:
        """Register the route of a command. Arguments come from the path, and from the query or the JSON body."""
        declaration = command.declaration
        has_body = declaration.method not in ("GET", "DELETE")
        known = {each.name for each in declaration.parameters} if declaration.method == "GET" else None

        def run(**in_path: str) -> Any:
            # A GET ignores unknown parameters, which clients append to bypass caches or to tag their requests.
            arguments: dict[str, object] = body() if has_body else dict(query(known))
            result = command(arguments | {name: Text(value) for name, value in in_path.items()})
            response.status = declaration.status
            response.set_header("Cache-Control", "no-store")
            response.content_type = "application/json"
            return json_codec.encode(with_prefix(client().prefix, result))

        # A path whose number is not a whole number does not exist.
        path = re.sub(r"<(\w+)>", rf"<\1{_NUMBER}", declaration.path)
        self.application.route(path, declaration.method, run, right=declaration.right)

    def _home(self) -> Any:
        """Return the page, or the stream or a snapshot for an `?action=` of mjpg-streamer."""
        return self._respond_to_action(lambda: self._files.respond("index.html"))

    def _webcam(self) -> Any:
        """Return the stream, or a snapshot for `?action=snapshot`: the path of mjpg-streamer behind reverse proxies."""
        return self._respond_to_action(self._stream)

    def _respond_to_action(self, otherwise: Callable[[], Any]) -> Any:
        actions = {aliases.STREAM: self._stream, aliases.SNAPSHOT: self._snapshot, None: otherwise}
        return actions[aliases.action_target(request.query.get("action", ""))]()

    def _stream(self) -> Any:
        options = ustreamer.stream_options()
        response.content_type = BYTES_TYPE if "application/octet-stream" in header("Accept").lower() else STREAM_TYPE
        response.set_header("Vary", "Accept")
        if options.key:
            response.set_header("Set-Cookie", ustreamer.cookie(self._appliance.status.name, options))
        address = client().address
        return self._hand_over(
            lambda connection, head: self._broadcaster.admit_viewer(connection, head, address, options), is_viewer=True
        )

    def _ustreamer_state(self) -> Any:
        response.set_header("Cache-Control", "no-store")
        return ustreamer.state(self._appliance.status.get_state(), self._quality, self._broadcaster.connected())

    def _events(self) -> Any:
        """Stream the state and the controls, then every event."""
        response.content_type = "text/event-stream; charset=utf-8"
        state = server_sent(STATE, self._appliance.status.get_state())
        address = client().address

        def initial() -> bytes:
            controls = self._appliance.camera.known_controls()
            return server_sent(CONTROLS, controls) if controls else b":\n\n"

        return self._hand_over(
            lambda connection, head: self._broadcaster.admit_listener(connection, head + state, address, initial),
            is_viewer=False,
        )

    def _hand_over(self, accept: Callable[[Any, bytes], None], is_viewer: bool) -> str:
        response.set_header("Cache-Control", "no-store")
        response.set_header("X-Accel-Buffering", "no")  # otherwise nginx buffers frames
        if request.method == "HEAD":
            return ""
        self._new_streams.take(client().address)
        self._broadcaster.reserve(is_viewer, client().address)
        request.environ[HAND_OVER](accept)
        return ""

    def _archive(self) -> str:
        """Send pictures as a ZIP archive; the connection is handed over to a thread of its own."""
        selection = "".join(str(SELECTION.parse(ids)) for ids in query([SELECTION.name]).values())
        files = self._appliance.pictures.picture_files(selection)
        response.content_type = "application/zip"
        name = f"{self._appliance.status.name}_{len(files)}_pictures.zip"
        response.set_header("Content-Disposition", f'attachment; filename="{name}"')
        response.set_header("Cache-Control", "no-store")
        if request.method != "HEAD":
            request.environ[HAND_OVER](self._downloads.prepare(files))
        return ""

    def _take_picture(self) -> Any:
        """Take a picture for the form of the page without scripts, and show it."""
        try:
            picture = self._appliance.pictures.take_picture()
        except ApplianceError as error:
            headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
            return HTTPResponse(f"No picture was taken: {error}".encode(), error.status, headers)
        headers = {"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"}
        return HTTPResponse(_PICTURE_PAGE.format(id=picture["id"]), 200, headers)

    def _snapshot(self) -> Any:
        return snapshots.respond(self._appliance.camera)

    def _picture(self, id: str) -> Any:
        path = self._appliance.pictures.picture_file(int(id))
        headers = {"Content-Type": "image/jpeg", "Cache-Control": _IMMUTABLE}
        if "download" in request.query:
            headers["Content-Disposition"] = f'attachment; filename="{path.name}"'
        try:
            return whole_or_part(path.read_bytes(), _tag(id), path.stat().st_mtime, headers)
        except OSError:  # just deleted
            raise NotFound(f"there is no picture {id}") from None

    def _thumbnail(self, id: str) -> Any:
        self._appliance.pictures.picture_file(int(id))  # raises NotFound, so that a deleted picture is never 304
        headers = {"Cache-Control": _IMMUTABLE, "ETag": _tag(id)}
        if has_newest(headers["ETag"]):
            return HTTPResponse(status=304, headers=headers)
        return HTTPResponse(self._appliance.pictures.thumbnail(int(id)), 200, {**headers, "Content-Type": "image/jpeg"})

    def _describe(self) -> Any:
        return {**self._openapi, "servers": [{"url": client().prefix or "/"}]}

    def _health(self) -> Any:
        response.set_header("Cache-Control", "no-store")
        is_fresh, state = self._appliance.camera.is_fresh(), self._appliance.status.get_state()
        if "view" not in self._authorization.identity().rights:
            state["camera"]["reason"] = None
            if is_fresh:
                return {"ok": True}
        if not is_fresh:
            raise CameraUnavailable(state["camera"]["reason"] or "no fresh frames")
        return {"ok": True, "camera": state["camera"]["state"], "frame_age": state["frame_age"], "fps": state["fps"]}

    def _metrics_text(self) -> Any:
        data, content_type = self._metrics()
        return HTTPResponse(data, 200, {"Content-Type": content_type, "Cache-Control": "no-store"})


def server_sent(event: Event, data: dict[str, Any]) -> bytes:
    """Return an event in the format of Server-Sent Events."""
    return b"event: %b\ndata: %b\n\n" % (event.stream.encode(), json_codec.encode({**event.constant, **data}))


def _tag(id: str) -> str:
    """Return the entity tag of a picture and of its thumbnail: its number, which is never reused."""
    return f'"{int(id)}"'


def _refuse_undecodable_path() -> None:
    """Refuse a path that is not UTF-8: Bottle would drop the invalid bytes and route another path."""
    try:
        request.environ["bottle.raw_path"].encode("latin1").decode()
    except UnicodeDecodeError:
        raise bottle.HTTPError(404) from None
