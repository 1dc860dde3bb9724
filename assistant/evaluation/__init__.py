"""Cases, metrics and runs: whether the answers can be trusted, on any corpus."""
