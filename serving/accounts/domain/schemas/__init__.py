"""The bodies, queries, forms and answers of the API, by subject.

The OpenAPI document is made from them: it publishes the docstrings of the models.
"""
