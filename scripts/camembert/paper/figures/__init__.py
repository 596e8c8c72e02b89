"""Figures, drawn from the tables into stem.pdf and stem.png; how all of them look is in ``style``. No torch here."""
