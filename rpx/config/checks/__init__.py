"""What is right in each entry and wrong between them, on disk, or in this run."""
