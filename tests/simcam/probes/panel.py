"""A program under test: does with linuxpy what JSON lines on stdin ask, and answers with JSON lines."""

import errno
import json
import sys
from typing import Any

from linuxpy.video.device import BufferType, Device, EventReader, EventType


def describe(control: Any) -> dict[str, Any]:
    """All that linuxpy knows of a control."""
    known = {"id": control.id, "flags": [flag.name for flag in control.flags], "type": control.type.name}
    for name in ("minimum", "maximum", "step", "default", "value"):
        value = getattr(control, name, None)
        known[name] = None if value is None else int(value)
    if hasattr(control, "data"):
        known["menu"] = {str(index): name for index, name in control.items()}
    return known


def answer(device: Device, wish: dict[str, Any], reader: EventReader) -> Any:
    """The answer to one wish."""
    controls = device.controls
    match wish.pop("do"):
        case "controls":
            return {control.config_name: describe(control) for control in controls.values()}
        case "refresh":
            controls.refresh()
        case "set":
            controls[wish["name"]].value = wish["value"]
        case "get":
            return int(controls[wish["name"]].value)
        case "format":
            device.set_format(BufferType.VIDEO_CAPTURE, wish["width"], wish["height"], wish["format"])
            got = device.get_format(BufferType.VIDEO_CAPTURE)
            return [got.pixel_format.human_str(), got.width, got.height]
        case "types":
            types = device.info.frame_types
            return [[t.pixel_format.human_str(), t.width, t.height, float(t.max_fps)] for t in types]
        case "info":
            info = device.info
            return {"driver": info.driver, "card": info.card, "capabilities": int(info.device_capabilities)}
        case "subscribe":
            device.subscribe_event(EventType.CTRL, controls[wish["name"]].id)
        case "event":
            event = reader.read(wish["seconds"])
            return None if event is None else {"id": event.id, "value": event.u.ctrl.value, "flags": event.u.ctrl.flags}
    return None


def main() -> None:
    """Open, answer until stdin ends."""
    with Device(sys.argv[1]) as device, EventReader(device) as reader:
        for line in sys.stdin:
            try:
                told = {"result": answer(device, json.loads(line), reader)}
            except OSError as error:
                told = {"errno": errno.errorcode[error.errno or 0]}
            except (AttributeError, ValueError) as error:
                told = {"refused": str(error)}
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
