"""What a MovieLens data set holds, on one HTML page: `python -m marquee.explore` (`make explore`)."""
