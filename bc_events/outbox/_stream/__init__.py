"""The consumer of a stream: records that change data capture has brought to Kafka, on to the Events API."""
