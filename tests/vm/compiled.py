"""In the machine: keeps what Python compiles of archives. It takes a task of Ansible from 25 s to 12 (busy computer).

Ansible sends each task as an archive with 120 modules, as source. Python keeps the result of compiling for files, and
not for archives. `rig.pth` beside it imports this; the appliance's own environment does not see either of them.
"""

import marshal
import os
import zipimport
from _imp import source_hash

FOLDER = "/var/cache/rig"
compile_source = zipimport._compile_source  # type: ignore[attr-defined]


def kept(path: str, source: bytes) -> object:
    """Compile the source, unless that has been done; the name of the result is the hash that .pyc files have."""
    name = f"{FOLDER}/{source_hash(0, source).hex()}"
    try:
        with open(name, "rb") as known:
            return marshal.load(known)
    except (OSError, EOFError, ValueError, TypeError):
        code = compile_source(path, source)
    if os.access(FOLDER, os.W_OK):
        with open(f"{name}.{os.getpid()}", "wb") as file:
            marshal.dump(code, file)
        os.rename(file.name, name)
    return code


zipimport._compile_source = kept  # type: ignore[attr-defined]
