"""The audit of what the project is made of: secrets in git, bills of materials, known vulnerabilities (docs/supply-chain.md)."""
