"""A whole computer in QEMU: flashed, booted, deployed to, with a USB camera. `make test-vm` runs this, as root.

`make test` does not collect this folder.
"""
