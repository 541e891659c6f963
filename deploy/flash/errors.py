"""The two ways in which writing a card ends badly: before the first byte, and after it.

FlashError
├── Refused    nothing was written
└── Spoiled    something was written: the card cannot be used

The message says what is wrong and what would do.
"""


class FlashError(Exception):
    """Anything that ends the work in a way that the person at the keyboard should read."""


class Refused(FlashError):
    """Something is wrong, and nothing has been written."""


class Spoiled(FlashError):
    """Writing or verifying failed: the card holds a part of the image, and must be written again before use."""
