"""Requests about one's rights, with their deadlines."""
