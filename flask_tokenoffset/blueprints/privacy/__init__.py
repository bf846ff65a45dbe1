"""The first page of privacy: where somebody stands, and the links to each of their rights."""
