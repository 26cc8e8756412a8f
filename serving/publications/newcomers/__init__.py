"""Lists for people who have none, scored from the ratings in their request."""
