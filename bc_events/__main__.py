"""`python -m bc_events`: the `bc-events` command, where its script is not on the path."""

from bc_events.cli import main

main()
