"""People: their profiles, corrections and minimum age."""
