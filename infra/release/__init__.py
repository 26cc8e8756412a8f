"""What leaves a checkout: a signed package of one commit, and the checklist of a release."""
