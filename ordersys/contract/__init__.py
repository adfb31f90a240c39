"""What the parts of the system say to one another. Imports nothing else of ours."""
