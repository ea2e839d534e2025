"""The ambient session: the one ContextVar and its frames, scopes, and the decorator."""
