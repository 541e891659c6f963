"""Tests of cameras: the sources, and what stands in for them."""
