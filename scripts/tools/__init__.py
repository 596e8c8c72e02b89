"""What people run by hand, beside the workflow; the library knows nothing of it."""
