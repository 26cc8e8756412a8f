"""Tables, transactions, migrations and the change clock."""
