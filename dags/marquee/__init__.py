"""Submit the jobs that the DAGs name: settings, tasks, operators, cluster, ingest."""
