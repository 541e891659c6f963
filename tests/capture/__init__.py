"""Tests of capture: the thread, what it remembers, and what it survives."""
