"""A task, a corpus and sentences for retrieval, made from the Unicode CLDR."""
