"""How the models that curation ships were trained. Nothing of curation imports this package."""
