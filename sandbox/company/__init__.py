"""The company: who works there, what they sell, and the event log of everything they did in both CRMs."""
