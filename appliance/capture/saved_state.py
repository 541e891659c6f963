"""The state that survives a restart: control values, the format and privacy."""

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
    """A small JSON file, one for each camera, written by `flush` when something has changed.

    The `remember_` and `forget_` methods do not wait for the disk: the camera thread calls them, and an SD card can
    take seconds. If the file cannot be read or written, that is logged, and the saved values are lost at a restart.
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
        """The saved values by the name of the control."""
        controls = self._content.get("controls")
        if not isinstance(controls, dict):
            return {}
        return {name: value for name, value in controls.items() if isinstance(value, bool | int | float | str)}

    @property
    def format(self) -> Format:
        """The format that was set last; that of the settings if these were changed since."""
        saved = self._content.get("format")
        if not isinstance(saved, dict) or self._content.get("format_configured") != self._configured.as_json():
            return self._configured
        limits = {each.name: each for each in parameters_of("camera", CameraSettings)}
        try:
            values: dict[str, Any] = {name: limits[f"camera.{name}"].parse(value) for name, value in saved.items()}
            return Format(**values)
        except (InvalidValue, KeyError, TypeError):
            return self._configured

    @property
    def privacy(self) -> bool:
        """Whether privacy was on."""
        return self._content.get("privacy") is True

    def remember_privacy(self, on: bool) -> None:
        """Save whether privacy is on."""
        self._change(privacy=on)

    def remember_controls(self, values: dict[str, Value]) -> None:
        """Add these values to the saved ones."""
        self._change(controls=self.controls | values)

    def forget_controls(self, names: list[str] | None) -> None:
        """Delete the saved values of these controls, or all."""
        kept = {} if names is None else {name: value for name, value in self.controls.items() if name not in names}
        self._change(controls=kept)

    def remember_format(self, requested: Format) -> None:
        """Save the format; it is valid until the settings change."""
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
        """Write the file if anything has changed since the last call. Never raises."""
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
        """Replace the content as a whole, so that `flush` on another thread sees all of a change or none of it."""
        self._content = self._content | changes
