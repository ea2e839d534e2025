"""The promises of the ambient API: one test id for each rule and execution model."""
