"""Build and installation of Camera Appliance. The settings of the tools are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

root = Path(__file__).parent
version = re.search(r'__version__ = "(.+)"', (root / "appliance/__init__.py").read_text(encoding="utf-8"))[1]
web = [str(file.relative_to(root / "web")) for file in (root / "web").rglob("*") if file.is_file()]

setup(
    name="camera-appliance",
    version=version,
    description="A camera on the network and on MQTT that is flashed, deployed and forgotten",
    long_description=(root / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="GPL-3.0-or-later",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=[*find_packages(include=["appliance", "appliance.*"]), "appliance.web"],
    package_dir={"appliance.web": "web"},
    package_data={"appliance.web": web, "appliance": ["py.typed"]},
    install_requires=[
        "bottle>=0.13",
        "cheroot>=11",
        "linuxpy>=0.25",
        "numpy>=2",
        "opencv-python-headless>=5",
        "paho-mqtt>=2.2",
        "prometheus-client>=0.21",
        "python-dotenv>=1",
        "simplejpeg>=1.8",
        "zipstream-ng>=1.8",
    ],
    entry_points={"console_scripts": ["camera-appliance = appliance.cli:main"]},
    classifiers=[
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Topic :: Multimedia :: Video :: Capture",
    ],
)
