"""Take a person's own ratings and events: say what a file holds, propose a mapping, store the rows by it.

``inspection`` says what a sample of an archive holds. ``sources`` fetches rows of databases and storages. ``snapshots`` stores
rows with numbers for their ids. The files are read by ``marquee.ingest.reading``.
"""
