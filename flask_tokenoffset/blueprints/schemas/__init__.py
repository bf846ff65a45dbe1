"""What the bodies, queries and forms of every feature share."""
