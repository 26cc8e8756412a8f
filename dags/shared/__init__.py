"""What the DAGs share: settings, one submit function per job kind, the operators behind them, lineage."""
