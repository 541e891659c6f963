"""Interfaces to the operating system: log, journal, systemd, files and memory; and password hashes."""
