"""Home Assistant itself, run by its own Python: `launch.py --config DIRECTORY ...`.

Without what it starts by default and these tests do not need; its page alone would be 200 MB more.
"""

import sys

from homeassistant import bootstrap
from homeassistant.__main__ import main

bootstrap.DEFAULT_INTEGRATIONS.clear()
bootstrap.CRITICAL_INTEGRATIONS.clear()  # The page is one: without it everything else would be left out.
sys.exit(main())
