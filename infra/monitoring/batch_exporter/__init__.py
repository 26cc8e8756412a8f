"""What the platform's parts say of themselves, as Prometheus metrics and as a page of four views."""
