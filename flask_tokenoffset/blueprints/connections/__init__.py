"""What is done with a connected key, said in public."""
