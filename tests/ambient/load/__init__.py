"""Many sessions at once, in tasks, threads and processes: nothing is lost, doubled, misattributed or out of order."""
