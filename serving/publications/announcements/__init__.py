"""Which publication is live, written for other machines: a numbered, append-only series next to the publications.

The store whose commands change the live publication announces each change. Followers, such as the pods of a Kubernetes
cluster, pull what the latest announcement names. One store at a time may announce: a number is taken by one writer only,
and a store refuses to go on after another store's announcement.
"""
