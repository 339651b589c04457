"""What several commands need beside the terminal."""
