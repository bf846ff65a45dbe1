"""Sign-in where the host has none of its own, and reauthentication."""
