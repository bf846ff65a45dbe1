"""The first page of privacy: where somebody stands, and every door to their rights."""
