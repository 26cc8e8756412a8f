"""What the nightly scoring takes from the reviews database, and what it brings back."""
