"""Tell what a column is: its role, its kind of id, its scale, its unit of time."""
