"""Metrics, rules, alerts and dashboards of the platform."""
