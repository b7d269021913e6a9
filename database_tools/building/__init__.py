"""Detect, crop and write datasets: pure work on a unit, and what runs the units."""
