"""On the host: keep the secrets of all cameras, one folder for each camera and one file for each secret, root only.

Reads JSON from standard input: `folder`, `check` (change nothing) and `cameras`, by name: `secrets`, by credential, and
`generate`, the credentials to make up unless they are there. Prints the cameras whose secrets `changed`, and what was
`generated`.
"""

import json
import os
import secrets
import shutil
import sys
from pathlib import Path

ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without what looks alike
LENGTH = 20  # 116 bits; a token has at least 16 characters


def made_up() -> str:
    """Return a new password."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def kept(folder: Path) -> dict[str, str]:
    """Return the secrets in the folder of a camera."""
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} if folder.is_dir() else {}


def keep(folder: Path, wanted: dict[str, str]) -> None:
    """Make the folder hold exactly these secrets; each file appears whole or not at all."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in set(kept(folder)) - set(wanted):
        (folder / name).unlink()
    for name, secret in wanted.items():
        new = folder / f".{name}"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secret)
        new.rename(folder / name)


def main() -> None:
    """Compare, then change what is different."""
    wanted = json.load(sys.stdin)
    root = Path(wanted["folder"])
    if not wanted["check"]:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    changed: list[str] = []
    generated: dict[str, dict[str, str]] = {}
    for camera, asked in wanted["cameras"].items():
        folder = root / camera
        there = kept(folder)
        given = {name: secret for name, secret in asked["secrets"].items() if secret}
        for name in asked["generate"]:
            if name not in given:
                given[name] = there.get(name) or generated.setdefault(camera, {}).setdefault(name, made_up())
        if given != there:
            changed.append(camera)
            if not wanted["check"]:
                keep(folder, given)
    left = [path for path in (root.iterdir() if root.is_dir() else ()) if path.name not in wanted["cameras"]]
    if not wanted["check"]:
        for path in left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    print(json.dumps({"changed": changed, "generated": generated, "left": [path.name for path in left]}))


if __name__ == "__main__":
    main()
