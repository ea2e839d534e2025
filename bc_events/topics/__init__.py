"""Topics: what a service may say. Reads a definitions file, compiles its schemas, and freezes data to bytes."""

from .table import TopicTable
from .topic import Topic

__all__ = ["Topic", "TopicTable"]
