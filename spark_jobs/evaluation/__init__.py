"""How good a model is: windows of the timeline, metrics and the record of both."""
