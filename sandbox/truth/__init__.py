"""What is true, folded from the event log alone. Nothing that serves a CRM may be imported here, nor this there."""
