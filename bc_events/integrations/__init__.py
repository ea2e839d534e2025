"""One module for each place where a service meets the world. Each opens a scope or carries a header, nothing else."""
