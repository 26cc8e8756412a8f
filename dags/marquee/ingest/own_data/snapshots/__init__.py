"""Write the rows of an archive as a snapshot with small integers for ids."""
