"""The platform's serving side on Kubernetes: manifests, a deployment program, a node for tests."""
