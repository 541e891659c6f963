"""The page in real Chromium, Firefox ESR and WebKitGTK: `make test-browsers`."""
