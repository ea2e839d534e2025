"""What type checkers must accept and what they must refuse; these files are checked and never run."""
