"""Submit the jobs that the DAGs name, and ingest their source."""
