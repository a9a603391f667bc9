"""What code refutes, and nobody overrules: a module for lies of one kind; `judge.FLOOR` has them in order.

Each function takes the text, what it may rest on, and what the model said about it; it returns the refusal,
or None. It may let a lie through to the reader; it must not refuse what is true.
"""
