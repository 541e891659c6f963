"""Tests of what belongs to the machine: files, log, memory, passwords, systemd."""
