"""What runs a service: the batch pipeline, the outbox relay, parking, and the facts they report."""
