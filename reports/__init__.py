"""What is told about a recorded run; never sees a live model."""
