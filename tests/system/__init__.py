"""A real Debian with systemd as PID 1, and what the playbook makes of it. `make test-system` runs this, as root.

`make test` does not collect this folder. `machine` knows how to boot; the tests know nothing of nspawn.
"""
