"""The check that keeps invented facts out of a draft. docs/drafting.md tells how it works, from the outside
in.

`Check.judge` asks, in this order: does the form hold, does the floor refute the text, does code prove it?
What is neither refuted nor proven is for the reader. Nothing here calls a model; `drafting.checking` does.

    reasons     why a text was refused
    grammar     what is known of a language: neutral words, number words, units, negations, tenses
    meanings    words that mean the same, in six languages, by class
    tokens      a text taken apart: words with the keys by which they are compared, clauses
    quantities  numbers with their unit, what they count, and whether they are bounds
    evidence    what a text may rest on
    floor/      the kinds of lies that code refutes, and nobody overrules
    proof       what code proves without a call
    judge       all of it in order
"""
