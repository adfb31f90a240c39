"""The only files that speak to Kafka and Postgres, and the statements they send."""
