"""Great Expectations suites, one JSON file a table, and the program that runs them."""
