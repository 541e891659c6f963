"""The machine: the log, the journal, systemd, files, memory and passwords."""
