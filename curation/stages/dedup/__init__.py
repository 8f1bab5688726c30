"""Exact and near-duplicate removal.

text (what is compared) → shingles → signatures (per batch) → candidates (LSH over the corpus)
→ verification (exact Jaccard) → survivors (who stays, and whom each dropped row duplicates).
"""
