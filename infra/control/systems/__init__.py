"""Rows of infra/control/services.py, one module for each group of systems."""
