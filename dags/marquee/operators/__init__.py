"""Run one kind of job each; every operator replaces its own output of the run."""
