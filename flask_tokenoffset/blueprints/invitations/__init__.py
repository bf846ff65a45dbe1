"""Invitations: an organization sends them, and whoever is invited answers."""
