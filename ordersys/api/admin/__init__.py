"""The supervision tree as people and machines see it: readiness, metrics, log lines."""
