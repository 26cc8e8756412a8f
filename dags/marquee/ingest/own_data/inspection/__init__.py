"""Say what a sample of an archive holds, and propose a mapping."""
