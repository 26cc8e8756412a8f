"""The pages for people: HTML without scripts, in two languages."""
