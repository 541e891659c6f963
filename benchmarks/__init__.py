"""The appliance beside its peers on one simulated camera: `make bench` writes docs/benchmarks.md."""
