"""A program under test: what happens to an open camera over dup, fork and exec. Prints `good` or fails."""

import fcntl
import os
import select
import stat
import subprocess
import sys

QUERYCAP = 0x80685600


def card(descriptor: int) -> bytes:
    """The name that the camera behind a descriptor gives."""
    room = bytearray(104)
    fcntl.ioctl(descriptor, QUERYCAP, room)
    return bytes(room[16:48]).rstrip(b"\0")


def main() -> None:
    """Open, duplicate, fork, execute."""
    if len(sys.argv) > 1:  # after exec
        assert card(int(sys.argv[1])) == b"Simulated UVC Camera"
        return
    first = os.open("/dev/video0", os.O_RDWR | os.O_NONBLOCK)
    assert not os.get_blocking(first)
    assert stat.S_ISCHR(os.fstat(first).st_mode)
    assert os.fstat(first).st_rdev == os.stat("/dev/video0").st_rdev
    assert select.select([first], [first], [], 0) == ([], [], [])
    second = os.dup(first)
    os.close(first)
    assert card(second) == b"Simulated UVC Camera"
    child = os.fork()
    if not child:
        status = 1
        try:
            status = 0 if card(second) == b"Simulated UVC Camera" else 1
        finally:
            os._exit(status)
    assert card(second) == b"Simulated UVC Camera"
    assert os.waitpid(child, 0)[1] == 0
    subprocess.run([sys.executable, __file__, str(second)], pass_fds=[second], check=True)
    os.closerange(second, 64)  # as daemons do: the library's own connection is gone too
    assert card(os.open("/dev/video0", os.O_RDWR)) == b"Simulated UVC Camera"
    print("good")


if __name__ == "__main__":
    main()
