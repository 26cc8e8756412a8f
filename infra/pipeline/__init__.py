"""Triggers the pipeline through Airflow's API and shows its progress; standard library only."""
