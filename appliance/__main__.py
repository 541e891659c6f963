"""`python -m appliance` is `camera-appliance`."""

import sys

from appliance.cli import main

sys.exit(main())
