"""Topic definitions as a contract: what editors, type checkers, CI and other teams read of them."""
