"""motionEye itself, run by its own Python: `launch_motioneye.py DIRECTORY CONTROL_PORT STREAM_PORT < fields.json`.

It does what the dialogue "Add Camera" makes motionEye's server do: look whether the address is a camera, add it, start
motion, and have its pictures. It writes one line of JSON for each step, and one with the size of each picture.
"""

import asyncio
import gettext
import json
import sys
from pathlib import Path

from motioneye import config, mjpgclient, motionctl, settings
from motioneye.utils.mjpeg import test_mjpeg_url

gettext.install("motioneye")  # as its meyectl.py does first


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


async def main(directory: Path, control_port: int, stream_port: int, details: dict[str, str]) -> None:
    for name in ("CONF_PATH", "RUN_PATH", "LOG_PATH", "MEDIA_PATH"):
        folder = directory / name.lower()
        folder.mkdir(exist_ok=True)
        setattr(settings, name, str(folder))
    settings.MOTION_CONTROL_PORT = control_port
    found = await test_mjpeg_url(dict(details), auth_modes=["basic"], allow_jpeg=True)
    say(cameras=[each["name"] for each in found.cameras or []], error=found.error)
    if found.error:
        return
    config.get_main()
    camera = config.add_camera(details)
    camera["stream_port"] = stream_port  # 9081 may be taken on this machine
    config.set_camera(camera["@id"], camera)
    say(added=camera["@id"])
    motionctl.start()
    last = b""
    while True:
        await asyncio.sleep(0.2)
        picture = mjpgclient.get_jpg(camera["@id"])
        if picture and picture != last:
            last = picture
            say(picture=len(picture))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), json.load(sys.stdin)))
