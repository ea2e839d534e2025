"""Reports: how a client tells a local Events API about its sessions, and about events that are not sent."""
