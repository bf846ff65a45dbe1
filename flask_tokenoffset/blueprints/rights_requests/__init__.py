"""What people ask for under their rights, as they see it themselves."""
