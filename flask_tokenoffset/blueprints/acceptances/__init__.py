"""Accepting the documents in force: the page that asks, and the way there and back."""
