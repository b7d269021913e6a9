"""One module per file format: its documentation, read() and write().

Every reader raises UserError if there is no such file or it may not be read, and FormatError, with
the place and the rule, if it breaks its format: docstrings say it only where that is not all.
"""
