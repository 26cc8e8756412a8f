"""The exporter of what Prometheus can ask nobody else."""
