"""Wrong implementations, which some claim must reject, and right but unusual ones, which every claim must accept."""
