"""Code that type checkers must accept, and code that they must refuse. These files are checked and never run."""
