"""In the machine: the USB port. Fetches the camera by USB/IP whenever it is there, and gives it to the kernel.

It runs at every boot, as `rig-usb.service`, alone and with nothing but Python: `attach.py ADDRESS PORT`. Debian has
a program for this (usbip), but not one that waits.
"""

import socket
import struct
import sys
import time
from pathlib import Path

CONTROLLER = Path("/sys/devices/platform/vhci_hcd.0")
FREE = 4  # the state of a port
AGAIN = 0.3  # s


def ports() -> dict[int, int]:
    """Return the state of each port for high speed, as drivers/usb/usbip/vhci_sysfs.c writes them."""
    rows = [line.split() for line in (CONTROLLER / "status").read_text().splitlines()[1:]]
    return {int(row[1]): int(row[2]) for row in rows if row[0] == "hs"}


def attach(address: tuple[str, int]) -> int | None:
    """Ask for the camera and plug it in; return the port, None where nothing is plugged in. Raises OSError."""
    with socket.create_connection(address, 5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(struct.pack(">HHI32s", 0x0111, 0x8003, 0, b"1-1"))
        reply = connection.recv(8, socket.MSG_WAITALL)
        if len(reply) < 8 or struct.unpack(">HHI", reply)[2]:
            return None
        description = connection.recv(312, socket.MSG_WAITALL)
        bus, device, speed = struct.unpack_from(">III", description, 288)
        connection.settimeout(None)
        port = next(port for port, state in ports().items() if state == FREE)
        # The kernel keeps the socket; ours may be closed.
        (CONTROLLER / "attach").write_text(f"{port} {connection.fileno()} {bus << 16 | device} {speed}")
        return port


def main() -> None:
    """Attach it, wait until it is gone, and again."""
    address = (sys.argv[1], int(sys.argv[2]))
    while True:
        port = None
        try:
            port = attach(address)
        except OSError as error:
            print(error, flush=True)
        while port is not None and ports()[port] != FREE:
            time.sleep(AGAIN)
        time.sleep(AGAIN)


if __name__ == "__main__":
    main()
