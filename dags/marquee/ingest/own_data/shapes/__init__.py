"""Turn files of each shape into blocks of text columns, with a number and a reason for each row that cannot be read."""
