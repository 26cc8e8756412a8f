"""A cluster of machines: what `make cluster-up` and its relatives use."""
