"""Camera Appliance: a camera that is flashed, deployed and forgotten."""

__version__ = "0.2.0"
