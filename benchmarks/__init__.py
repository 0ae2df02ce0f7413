"""What we measure ourselves with: floor programs, and the product beside them in the same minute."""
