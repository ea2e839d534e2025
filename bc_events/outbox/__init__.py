"""Durable storage that events go to first, and the relay that brings them to the Events API."""
