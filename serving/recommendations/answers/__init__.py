"""From a request's words to the text of an answer."""
