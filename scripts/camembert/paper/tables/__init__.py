"""The tables of the paper, a module each: numbers for programs, and the same as people read them."""
