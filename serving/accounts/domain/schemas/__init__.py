"""The bodies, queries, forms and answers of the API, by subject; the OpenAPI document is made from them."""
