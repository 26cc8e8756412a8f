"""Containers with systemd that take the place of virtual machines in tests."""
