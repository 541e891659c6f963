"""Comparison of the appliance with similar programs on one simulated camera: `make bench` writes docs/benchmarks.md."""
