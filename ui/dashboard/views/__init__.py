"""One page a file; each offers `page(feed)`, which draws it."""
