"""How long everything is kept: rules, choices, holds, and the purge."""
