"""The tables that a batch publishes of the model.

They are users' lists with reasons, popular lists, and the tables that score newcomers. Each function returns a table
as a mapping of column names to columns of equal length.
"""
