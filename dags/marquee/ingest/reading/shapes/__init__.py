"""Turn files of each shape into blocks of text columns."""
