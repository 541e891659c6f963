"""Files in the copy of a boot partition, through mtools: without mounting, without root, never on the disk itself."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from deploy.flash.errors import Refused


class BootFiles:
    """The files in the root folder of a FAT file system that fills the file `partition`."""

    def __init__(self, partition: Path) -> None:
        self._partition = partition

    def names(self) -> set[str]:
        """Return the names of the files and folders."""
        return {name.removeprefix("::/").rstrip("/") for name in self._run("mdir", "-b", "::/").decode().splitlines()}

    def read(self, name: str) -> bytes:
        """Return the content of a file."""
        return self._run("mtype", f"::/{name}")

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, replacing those of the same name, and verify them."""
        for name, content in files.items():
            self._run("mcopy", "-o", "-", f"::/{name}", given=content)
            if self.read(name) != content:
                raise Refused(
                    f"{name} was not written correctly to the boot partition: its file system is full or damaged"
                )

    def name_volume(self, label: str) -> None:
        """Set the label of the file system."""
        self._run("mlabel", f"::{label}")

    def _run(self, command: str, *arguments: str, given: bytes = b"") -> bytes:
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "MTOOLSRC": os.devnull}
        try:
            finished = subprocess.run(
                [command, "-i", str(self._partition), *arguments],
                input=given,
                capture_output=True,
                check=False,
                env=environment,
            )
        except FileNotFoundError:
            raise Refused("mtools is missing: install the package mtools") from None
        if finished.returncode:
            reason = finished.stderr.decode(errors="replace").strip() or f"status {finished.returncode}"
            raise Refused(f"the boot partition of the image cannot be used: {command}: {reason}")
        return finished.stdout
