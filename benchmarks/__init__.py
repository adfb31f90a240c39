"""Benchmarks: one question per file. Run by ``./run bench NAME``."""
