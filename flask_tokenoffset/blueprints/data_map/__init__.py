"""What is held of people: the page and the operation that print the data map."""
