"""What all sources share: the contract, errors, HTTP, limits. No vendor's name belongs here."""
