"""One module for each framework. Each opens a scope or carries headers, nothing else."""
