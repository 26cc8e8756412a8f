"""The rules of accounts, ratings and the catalogue.

They raise problems and know no Flask.
"""
