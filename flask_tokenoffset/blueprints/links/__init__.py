"""Mailed links: asking for one, following one, and confirming that it is you."""
