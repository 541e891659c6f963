"""Errors before and after the first byte was written.

FlashError
├── Refused    nothing was written
└── Spoiled    something was written: the card cannot be used

The message names the problem and the remedy.
"""


class FlashError(Exception):
    """An error whose message is shown to the user."""


class Refused(FlashError):
    """A check failed, and nothing has been written."""


class Spoiled(FlashError):
    """Writing or verifying failed: the card holds a part of the image, and must be written again before use."""
