"""Topics: read a definitions file, compile its schemas, check the data of events and serialise it."""

from .table import TopicTable
from .topic import Topic

__all__ = ["Topic", "TopicTable"]
