"""What is to be built, worked out from the config before any job runs; imports nothing heavy."""
