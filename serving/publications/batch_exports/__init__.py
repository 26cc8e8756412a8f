"""Folders that services export for a batch: named by it, written once, kept for reruns."""
