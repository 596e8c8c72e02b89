"""Figures, a module for each thing they show; how all of them look is in ``style``. No torch here."""
