"""What a client is configured with: checks of its arguments."""
