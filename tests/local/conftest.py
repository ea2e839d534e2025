from bc_events.local.pytest import local_events_api, local_events_server

__all__ = ["local_events_api", "local_events_server"]
