"""How each CRM writes down what the company does: the same acts, in two vocabularies."""
