"""Store the secrets of all cameras on the host: one folder per camera, one file per secret, readable only by root.

Reads JSON from standard input: `folder`, `check` (change nothing) and `cameras`, by name: `secrets`, by credential, and
`generate`, the credentials to generate if they do not exist. Prints the cameras whose secrets `changed`, and the
`generated` secrets.
"""

import json
import os
import secrets
import shutil
import sys
from pathlib import Path

ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without similar characters
LENGTH = 20  # 116 bits; a token has at least 16 characters


def new_secret() -> str:
    """Return a random secret."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def stored(folder: Path) -> dict[str, str]:
    """Return the secrets in the folder of a camera."""
    return {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()} if folder.is_dir() else {}


def store(folder: Path, wanted: dict[str, str]) -> None:
    """Write exactly these secrets into the folder; each file is replaced atomically."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in set(stored(folder)) - set(wanted):
        (folder / name).unlink()
    for name, secret in wanted.items():
        new = folder / f".{name}"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secret)
        new.rename(folder / name)


def main() -> None:
    """Compare the secrets, and write those that differ."""
    wanted = json.load(sys.stdin)
    root = Path(wanted["folder"])
    if not wanted["check"]:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    changed: list[str] = []
    generated: dict[str, dict[str, str]] = {}
    for camera, asked in wanted["cameras"].items():
        folder = root / camera
        present = stored(folder)
        given = {name: secret for name, secret in asked["secrets"].items() if secret}
        for name in asked["generate"]:
            if name not in given:
                given[name] = present.get(name) or generated.setdefault(camera, {}).setdefault(name, new_secret())
        if given != present:
            changed.append(camera)
            if not wanted["check"]:
                store(folder, given)
    left = [path for path in (root.iterdir() if root.is_dir() else ()) if path.name not in wanted["cameras"]]
    if not wanted["check"]:
        for path in left:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    print(json.dumps({"changed": changed, "generated": generated, "left": [path.name for path in left]}))


if __name__ == "__main__":
    main()
