"""Copies of everything held about a person, as archives."""
