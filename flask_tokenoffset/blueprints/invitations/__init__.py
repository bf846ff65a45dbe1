"""Invitations: an organization sends them, and the invited person answers."""
