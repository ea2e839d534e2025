"""Redirects: responses that say where else to ask. The library never follows one, and reads no body of one."""

from __future__ import annotations


def is_redirect(status: int) -> bool:
    return 300 <= status < 400  # noqa: PLR2004
