"""Ends an older Python at its import: there later imports fail, with a trace that names no remedy."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("marquee: mrjob needs Python 3.11, and this one is older. Make Python 3.11 the first `python3` on PATH.")
