"""Linked identities: accounts at identity providers that belong to a person."""
