"""What the exporter reads, one module a system."""
