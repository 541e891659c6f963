"""A program under test: takes and gives buffers as the kernel has them, in two processes. Prints `good` or fails."""

import errno
import fcntl
import os
import select

from tests.simcam.v4l2 import BUFFER, MEMORY_MMAP, REQUEST_BUFFERS, TYPE_VIDEO_CAPTURE, WORD, Ioctl


def buffer(index: int) -> bytearray:
    """What QBUF and DQBUF are asked with."""
    return bytearray(BUFFER.pack(index, TYPE_VIDEO_CAPTURE, 0, 0, 0, 0, 0, 0, MEMORY_MMAP, 0, 0))


def give(device: int, index: int) -> int:
    """Queue a buffer; return the errno."""
    try:
        fcntl.ioctl(device, Ioctl.QBUF, buffer(index))
    except OSError as error:
        return error.errno or -1
    return 0


def take(device: int) -> tuple[int, int]:
    """Wait for a filled buffer; return its number and that of the frame."""
    room = buffer(0)
    while True:
        assert select.select([device], [], [], 10)[0]
        try:
            fcntl.ioctl(device, Ioctl.DQBUF, room)
        except BlockingIOError:
            continue
        index, _, used, _, _, _, _, sequence, _, _, _ = BUFFER.unpack(room)
        assert used > 1000
        return index, sequence


def main() -> None:
    """Stream with three buffers; go on in a child that lost the memory of the parent; be refused what is wrong."""
    device = os.open("/dev/video0", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, Ioctl.REQBUFS, bytearray(REQUEST_BUFFERS.pack(3, TYPE_VIDEO_CAPTURE, MEMORY_MMAP, 0, 0)))
    assert [give(device, index) for index in (0, 1, 2, 3, 2)] == [0, 0, 0, errno.EINVAL, errno.EINVAL]
    fcntl.ioctl(device, Ioctl.STREAMON, WORD.pack(TYPE_VIDEO_CAPTURE))
    first = take(device)
    assert first == (0, 0)
    assert [give(device, index) for index in (3, 40, 1, 0)] == [errno.EINVAL, errno.EINVAL, errno.EINVAL, 0]
    child = os.fork()
    if not child:
        status = 1
        try:
            taken = take(device)
            status = 0 if taken[0] == 1 and taken[1] > 0 and give(device, 1) == 0 else 1
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    assert take(device)[0] == 2
    assert take(device)[0] == 0
    assert give(device, 1) == errno.EINVAL  # the child has given it
    fcntl.ioctl(device, Ioctl.STREAMOFF, WORD.pack(TYPE_VIDEO_CAPTURE))
    assert not select.select([device], [], [], 0)[0]
    assert give(device, 1) == 0
    os.close(device)
    print("good")


if __name__ == "__main__":
    main()
