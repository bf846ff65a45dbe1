"""Simulated billing records."""
