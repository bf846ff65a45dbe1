"""Restricting the processing of one's data, and lifting that again."""
