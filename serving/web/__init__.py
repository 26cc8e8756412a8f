"""What every HTTP service needs and no service owns."""
