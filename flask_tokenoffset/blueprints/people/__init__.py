"""People: what is held about oneself, correcting it, and deleting it."""
