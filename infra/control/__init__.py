"""Installs, starts, watches and stops the platform on one machine; standard library only, so that it runs before anything is installed."""
