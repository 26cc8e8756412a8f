"""The pages: HTML without scripts."""
