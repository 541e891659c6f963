"""Tests of the pictures: the store, its retention, and disks that fail."""
