"""What surrounds the work of a job: its log and metrics, processes, devices, signals, checkpoints."""
