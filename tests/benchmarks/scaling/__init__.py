"""What an event costs, and a simulation of relays that is fed with these costs."""
