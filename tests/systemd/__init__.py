"""The systemd unit, judged by systemd itself."""
