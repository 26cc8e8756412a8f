"""Find movies by what people type: misspelt, joined, split, half typed, or with the wrong keyboard."""
