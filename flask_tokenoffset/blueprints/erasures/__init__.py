"""The deletion of an account: the page, the way back, and the receipt."""
