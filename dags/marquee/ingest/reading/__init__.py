"""Read files of ratings and events by a mapping: MovieLens's own, and those of any other shape.

``containers`` opens archives. ``text`` finds encoding and delimiter. ``shapes`` turns a file into columns of text.
``columns`` tells what a column is. ``mapping`` is the file that says how an archive is read. ``rows`` turns columns into
checked rows.
"""
