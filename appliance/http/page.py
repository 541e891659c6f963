"""The files of the page, compressed once and cached in memory: a few hundred kilobytes in total.

Imports of style sheets are resolved. After editing an imported style sheet, touch the one that imports it.
"""

import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from bottle import HTTPResponse, request

from appliance.errors import NotFound
from appliance.http.conditional import has_newest
from appliance.http.negotiation import accepts_gzip

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".md": "text/markdown; charset=utf-8",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_IMPORT = re.compile(rb'^@import url\("(?P<path>[^"]+)"\)(?: layer\((?P<layer>\w+)\))?;$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _File:
    media_type: str
    plain: bytes
    compressed: bytes | None  # None if it would not be smaller
    tag: str
    changed: int  # ns


class PageFiles:
    """Serves the files below `root` only: a requested path is a key of a table, never opened."""

    def __init__(self, root: Path) -> None:
        self._paths = {str(path.relative_to(root)): path for path in root.rglob("*") if path.suffix in _TYPES}
        self._files: dict[str, _File] = {}

    def respond(self, path: str) -> HTTPResponse:
        """Return the response with a file, or 304 if the browser has it. Raises NotFound."""
        return _respond(self._file(path))

    def manifest(self, camera: str) -> HTTPResponse:
        """Return the response with the web app manifest, with the name of the camera."""
        content = json.loads(self._file("manifest.webmanifest").plain) | {"name": camera, "short_name": camera}
        data = json.dumps(content, ensure_ascii=False).encode()
        return _respond(_compressed(data, _TYPES[".webmanifest"], 0))

    def _file(self, name: str) -> _File:
        path = self._paths.get(name)
        try:
            if path is None:
                raise FileNotFoundError
            changed = path.stat().st_mtime_ns
            file = self._files.get(name)
            if file is None or file.changed != changed:
                data = _bundled(path) if path.suffix == ".css" else path.read_bytes()
                file = self._files[name] = _compressed(data, _TYPES[path.suffix], changed)
        except OSError:
            raise NotFound(f"there is no page {request.path}") from None
        return file


def _bundled(path: Path) -> bytes:
    """Return a style sheet with its imports inlined: each would cost a round trip before the first paint."""

    def imported(match: re.Match[bytes]) -> bytes:
        content = _bundled(path.parent / match["path"].decode()).removeprefix(b'@charset "UTF-8";')
        return b"@layer %b {%b}" % (match["layer"], content) if match["layer"] else content

    return _IMPORT.sub(imported, path.read_bytes())


def _compressed(data: bytes, media_type: str, changed: int) -> _File:
    compressed = gzip.compress(data, mtime=0)
    tag = hashlib.sha256(data).hexdigest()[:20]
    return _File(media_type, data, compressed if len(compressed) < len(data) else None, tag, changed)


def _respond(file: _File) -> HTTPResponse:
    is_compressed = file.compressed is not None and accepts_gzip()
    tag = f'"{file.tag}{"-gzip" if is_compressed else ""}"'
    headers = {"Cache-Control": "no-cache", "ETag": tag, "Vary": "Accept-Encoding"}
    if has_newest(tag):
        return HTTPResponse(status=304, headers=headers)
    headers["Content-Type"] = file.media_type
    if is_compressed:
        headers["Content-Encoding"] = "gzip"
    return HTTPResponse(file.compressed if is_compressed else file.plain, 200, headers)
