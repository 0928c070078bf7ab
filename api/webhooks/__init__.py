"""Webhooks: receivers of the bank's are told what happens, signed, tried again, and readable delivery by delivery."""
