"""The ladder: `native` in C, `numpy` as the reference, and `lexical`, which is built in and knows no meaning."""
