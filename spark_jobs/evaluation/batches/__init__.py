"""One batch's ratings as train_als works on them, and their evaluation where they are."""
