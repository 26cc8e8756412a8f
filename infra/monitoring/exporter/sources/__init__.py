"""The systems that the exporter reads, one module each, and the samples that they give."""
