"""The buffers of a stream as the program sees them too, so that it takes and gives them without asking the camera.

A kernel does either for a microsecond or two; to ask for it twice a frame was two fifths of what programs under test
were measured to do. Layout as in simcam.c, in words of 64 bits.
"""

from __future__ import annotations

import mmap
import os
from typing import overload

MOST_BUFFERS = 32
QUEUE_WORDS = 2 + MOST_BUFFERS
BUFFER_WORDS = 6
WAITING = 1  # behind `gone`
FILLED = WAITING + QUEUE_WORDS
BUFFERS = FILLED + QUEUE_WORDS
SIZE = 8 * (BUFFERS + MOST_BUFFERS * BUFFER_WORDS)  # bytes


class Word:
    """An attribute, a number, that lives `place` words behind where its owner begins."""

    def __init__(self, place: int) -> None:
        self.place = place

    @overload
    def __get__(self, owner: None, kind: type[Part]) -> Word: ...
    @overload
    def __get__(self, owner: Part, kind: type[Part]) -> int: ...
    def __get__(self, owner: Part | None, kind: type[Part]) -> int | Word:
        return self if owner is None else int(owner.words[owner.begin + self.place])

    def __set__(self, owner: Part, value: int) -> None:
        owner.words[owner.begin + self.place] = value


class Part:
    """What begins at a word of the memory."""

    def __init__(self, words: memoryview, begin: int) -> None:
        self.words, self.begin = words, begin


class Queue(Part):
    """Numbers of buffers, first in first out. One side appends, the other takes; each writes its own counter last."""

    appended = Word(0)
    taken = Word(1)

    def append(self, index: int) -> None:
        """Put a buffer at the end."""
        self.words[self.begin + 2 + self.appended % MOST_BUFFERS] = index
        self.appended += 1

    def popleft(self) -> int:
        """Take the first."""
        index = int(self.words[self.begin + 2 + self.taken % MOST_BUFFERS])
        self.taken += 1
        return index

    def clear(self) -> None:
        """Take all."""
        self.taken = self.appended

    def __len__(self) -> int:
        return self.appended - self.taken


class Buffer(Part):
    """One buffer of the stream: where it is in the memory of the pictures (bytes), and what it has."""

    flags = Word(0)
    used = Word(1)
    sequence = Word(2)
    monotonic_ns = Word(3)
    offset = Word(4)
    length = Word(5)


class Ring(Part):
    """The buffers, the queue of those that wait for a picture, and of those that have one.

    `gone` is set when there is nothing any more to be had here, so that nobody waits for it.
    """

    gone = Word(0)

    def __init__(self, count: int, length: int) -> None:
        self.descriptor = os.memfd_create("simcam-ring")
        os.ftruncate(self.descriptor, SIZE)
        super().__init__(memoryview(mmap.mmap(self.descriptor, SIZE)).cast("Q"), 0)
        self.waiting = Queue(self.words, WAITING)
        self.filled = Queue(self.words, FILLED)
        self.buffers = [Buffer(self.words, BUFFERS + index * BUFFER_WORDS) for index in range(count)]
        for index, buffer in enumerate(self.buffers):
            buffer.offset, buffer.length = index * length, length

    def free(self) -> None:
        """Give the memory back; the program sees that it is gone."""
        self.gone = 1
        os.close(self.descriptor)
