"""`bc-events demo`: a scenario with three services of an insurer, written as users of the library would write them."""
