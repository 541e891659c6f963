"""What the appliance remembers over a restart: the values of the controls and the format that were set."""

import json
import threading
from pathlib import Path
from typing import Any

from appliance.errors import InvalidValue
from appliance.frames import Format
from appliance.parameters import Value
from appliance.settings import CameraSettings, parameters_of
from appliance.system.files import make_folder, write_atomically
from appliance.system.log import logger

log = logger(__name__)


class SavedState:
    """A small JSON file, one for each camera, written by `flush` when something changed.

    Remembering waits for no disk: it is the camera thread that remembers, and an SD card can take seconds. A file that
    cannot be read or written costs the memory, never a picture: it is logged and life goes on.
    """

    def __init__(self, directory: Path, camera: str, configured: Format) -> None:
        self._path = directory / f"{camera}.json"
        self._configured = configured
        self._content = self._read()
        self._written = self._content
        self._failing = False
        self._flushing = threading.Lock()

    @property
    def controls(self) -> dict[str, Value]:
        """The remembered values by the name of the control."""
        controls = self._content.get("controls")
        if not isinstance(controls, dict):
            return {}
        return {name: value for name, value in controls.items() if isinstance(value, bool | int | float | str)}

    @property
    def format(self) -> Format:
        """The format that was set last, unless the settings were changed since: then what they say."""
        remembered = self._content.get("format")
        if not isinstance(remembered, dict) or self._content.get("format_configured") != self._configured.as_json():
            return self._configured
        limits = {each.name: each for each in parameters_of("camera", CameraSettings)}
        try:
            values: dict[str, Any] = {name: limits[f"camera.{name}"].parse(value) for name, value in remembered.items()}
            return Format(**values)
        except (InvalidValue, KeyError, TypeError):
            return self._configured

    @property
    def privacy(self) -> bool:
        """Whether privacy was on."""
        return self._content.get("privacy") is True

    def remember_privacy(self, on: bool) -> None:
        """Remember whether privacy is on."""
        self._change(privacy=on)

    def remember_controls(self, values: dict[str, Value]) -> None:
        """Add these values to what is remembered."""
        self._change(controls=self.controls | values)

    def forget_controls(self, names: list[str] | None) -> None:
        """Forget these controls, or all."""
        kept = {} if names is None else {name: value for name, value in self.controls.items() if name not in names}
        self._change(controls=kept)

    def remember_format(self, requested: Format) -> None:
        """Remember the format for as long as the settings stay as they are."""
        self._change(format=requested.as_json(), format_configured=self._configured.as_json())

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            log.warning("%s cannot be read, starting without saved values: %s", self._path, error)
            return {}
        return content if isinstance(content, dict) else {}

    def flush(self) -> None:
        """Write what changed since the last time, if anything did. Never raises."""
        with self._flushing:
            self._flush(self._content)

    def _flush(self, content: dict[str, Any]) -> None:
        if content == self._written:
            return
        try:
            make_folder(self._path.parent)
            write_atomically(self._path, json.dumps(content, indent=1, sort_keys=True).encode() + b"\n")
        except OSError as error:
            if not self._failing:
                log.warning("%s cannot be written, so values will be lost at a restart: %s", self._path, error.strerror)
            self._failing = True
        else:
            self._written, self._failing = content, False

    def _change(self, **changes: Any) -> None:
        """Replace the content as a whole, so that `flush`, on another thread, sees all of a change or nothing."""
        self._content = self._content | changes
