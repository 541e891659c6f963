"""A program under test: reads frames with OpenCV, prints a JSON line for each, and ends when stdin has something."""

import argparse
import json
import os
import select
import sys
import time

os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "2")
os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")

import cv2


def main() -> None:
    """Open, read, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="/dev/video0")
    parser.add_argument("--format", default="MJPG")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--rate", type=int, default=30)
    parser.add_argument("--convert", action="store_true", help="let OpenCV decode")
    parser.add_argument("--pause", action="store_true", help="read nothing until a line comes on stdin")
    words = parser.parse_args()
    camera = cv2.VideoCapture(words.device, cv2.CAP_V4L2)
    if not camera.isOpened():
        print(json.dumps({"open": False}), flush=True)
        return
    camera.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*words.format))
    camera.set(cv2.CAP_PROP_FRAME_WIDTH, words.width)
    camera.set(cv2.CAP_PROP_FRAME_HEIGHT, words.height)
    camera.set(cv2.CAP_PROP_FPS, words.rate)
    camera.set(cv2.CAP_PROP_BUFFERSIZE, 3)
    camera.set(cv2.CAP_PROP_CONVERT_RGB, int(words.convert))
    code = int(camera.get(cv2.CAP_PROP_FOURCC))
    granted = {
        "open": True,
        "format": code.to_bytes(4, "little").decode(),
        "width": int(camera.get(cv2.CAP_PROP_FRAME_WIDTH)),
        "height": int(camera.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        "rate": camera.get(cv2.CAP_PROP_FPS),
    }
    print(json.dumps(granted), flush=True)
    if words.pause:
        camera.read()  # starts the stream
        sys.stdin.readline()
    while not select.select([sys.stdin], [], [], 0)[0]:
        started = time.monotonic()
        ok, picture = camera.read()
        now = time.monotonic()
        told: dict[str, object] = {"ok": bool(ok), "seconds": now - started, "now_ms": now * 1000}
        if ok:
            told |= {"shape": picture.shape, "ms": camera.get(cv2.CAP_PROP_POS_MSEC), "mean": float(picture.mean())}
            if not words.convert:
                told["data"] = picture.tobytes()[:400_000].hex()
        print(json.dumps(told), flush=True)
    camera.release()


if __name__ == "__main__":
    main()
