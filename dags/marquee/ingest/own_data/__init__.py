"""Read ratings and events of any usual shape: inspect a file, propose a mapping, read rows by it.

``containers`` opens archives. ``text`` finds encoding and delimiter. ``shapes`` turns a file into columns of text.
``columns`` tells what a column is. ``mapping`` is the file that a person corrects. ``rows`` turns columns into checked
rows. ``inspection`` says what a sample of an archive holds.
"""
