"""Files that are whole or absent, and what a number came from."""
