"""Embedding: texts to vectors, the same bits alone or in any company, and a ladder of engines that compute them.

Import from its modules: this package brings nothing in, so that a process which only embeds starts in milliseconds.
"""
