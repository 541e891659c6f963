"""Tests of deploy/flash: cards written to plain files, disks as lsblk reports them."""
