"""Savepoints made by hand, on every Django that is supported."""

from __future__ import annotations

from django.db import transaction

# Django 6.1 has deprecated the older name.
savepoint_create = transaction.savepoint_create if hasattr(transaction, "savepoint_create") else transaction.savepoint
