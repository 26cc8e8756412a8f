"""The tables of the accounts service, its transactions, its migrations and its change clock."""
