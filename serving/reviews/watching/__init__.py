"""The watch over the live model: feedback's accuracy in MLflow, and the decision to train again."""
