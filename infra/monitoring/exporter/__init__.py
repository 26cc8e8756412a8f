"""The exporter of the metrics that Prometheus can get from no other program."""
