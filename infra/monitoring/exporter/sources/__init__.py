"""The systems that the exporter reads, one module each, and their samples."""
