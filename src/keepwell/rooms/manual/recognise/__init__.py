"""What import recognises, a module each: curl, the lines that look at a host, tables of key figures, and expected responses.

Each gives findings from one part of a manual; all are pure and raise nothing, whatever the text.
"""
