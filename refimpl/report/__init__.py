"""What a user sees: tables on the terminal, the same as data."""
