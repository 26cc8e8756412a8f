"""The monitoring page: panels drawn from Prometheus."""
