"""Finds what is held about a person, as the data map names it."""
