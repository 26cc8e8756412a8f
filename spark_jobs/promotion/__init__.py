"""Whether a model may go live: the gate, the model card, and the models and runs in MLflow."""
