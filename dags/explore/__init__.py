"""What a MovieLens data set holds, on one HTML page: `python -m explore` (`make explore`)."""
