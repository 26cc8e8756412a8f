"""Audits of the repository: secrets, bills of materials, vulnerabilities, prose and commits (docs/supply-chain.md)."""
