"""The rules of accounts, ratings and the catalogue; they raise problems and know no Flask."""
