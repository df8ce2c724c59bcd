"""Redis commands: what they answer and which rows they read."""
