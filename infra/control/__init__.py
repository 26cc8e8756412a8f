"""Installs, starts, watches and stops the platform; standard library only, since it runs before an installation."""
