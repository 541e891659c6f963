"""Atomic writes: after a power cut a file is the old one or the new one, never a part of one."""

import os
from pathlib import Path

PICTURES = "[0-9]*_????-??-??T??-??-??.jpg"
"""Pattern of `Path.glob` for pictures: other files in the same folders do not belong to the appliance."""


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the file: temporary file beside it, fsync, rename, fsync of the folder. Raises OSError."""
    temporary = write_temporary(path, data)
    try:
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_temporary(path: Path, data: bytes) -> Path:
    """Write the data through to the disk, under a temporary name beside `path`; return that name. Raises OSError."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def make_folder(folder: Path) -> None:
    """Make the folder, and those above it, so that they survive a power cut. Raises OSError."""
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            raise
    except FileNotFoundError:
        if folder.parent.is_dir():  # nothing can be created in it, as in /proc or in a deleted folder
            raise
        make_folder(folder.parent)
        make_folder(folder)
    else:
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
