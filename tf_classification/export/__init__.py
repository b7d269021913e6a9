"""Frozen graphs and other runtimes' formats."""
