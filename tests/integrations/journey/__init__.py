"""Four services of one insurance company, each a process of its own: a quote becomes a policy, a bill and a letter."""
