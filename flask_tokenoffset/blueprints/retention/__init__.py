"""How long everything is kept, and the doors through which tenants shorten it."""
