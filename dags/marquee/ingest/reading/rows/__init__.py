"""Turn an archive and its mapping into checked rows: user, item, value, seen, time, event."""
