"""Find a text's encoding and delimiter, take samples of it, and cut it into blocks of whole lines."""
