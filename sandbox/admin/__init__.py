"""What a test may ask of the sandbox itself: the clock, planted faults, counts of calls. No CRM has these."""
