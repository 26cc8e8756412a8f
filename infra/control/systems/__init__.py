"""Rows of infra/control/services.py, one module for each group of systems, and what only the gateway can do."""
