"""The story that `bc-events demo` tells: three services of an insurer, as a user of the library would write them."""
