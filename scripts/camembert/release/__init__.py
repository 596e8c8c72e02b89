"""A trained student as files that people can load."""
