"""The tables of the paper: each is computed from the record (shares, 0 to 1), formatted for people, and written."""
