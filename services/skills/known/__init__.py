"""The skills, a file for each family.

To add one: a `Skill` in a file here (its docstring and argument model are what the language model sees), its sentences
under the skill's name in `sentences/*.yaml` with its phrases, a line in `catalogue.py`, and lines in the tests' `said`
files of what must and must not reach it. The tests find what is missing.
"""
