"""Estimate sources."""
