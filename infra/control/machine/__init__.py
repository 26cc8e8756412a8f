"""What is known of this machine: who holds its ports."""
