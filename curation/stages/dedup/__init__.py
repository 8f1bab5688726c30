"""Exact and near-duplicate removal.

Per batch: text (what is compared) → shingles → signatures. Over the corpus: candidates (rows that
share a band) → components → prefixes (who may be alike within one) → survivors (who stays, verified
by exact Jaccard, and whom each dropped row duplicates).
"""
