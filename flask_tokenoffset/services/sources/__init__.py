"""Estimate sources, their credentials, and what was read from them."""
