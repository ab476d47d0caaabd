"""songspace."""
