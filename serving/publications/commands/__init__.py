"""The commands of `python -m serving.publications`: their arguments and what each one does."""
