"""How long everything is kept, and the views in which tenants shorten it."""
