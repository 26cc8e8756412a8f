"""Values of headers that every service sends."""

from __future__ import annotations

from typing import Final

PAGE_POLICY: Final = (
    "default-src 'none'; style-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
