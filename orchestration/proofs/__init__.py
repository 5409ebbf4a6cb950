"""Proofs of sealed months: hash chains that find what was changed after the sealing."""
