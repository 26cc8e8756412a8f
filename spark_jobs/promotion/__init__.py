"""Whether a model may go live: the gate, the model card, and MLflow's records."""
