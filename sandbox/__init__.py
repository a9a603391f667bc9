"""A loopback server that speaks the vendors' wire protocols without their models.

Demos, tests and load runs reach it through the real SDKs over real HTTP. Answers come from the prompt's own
text, token counts are true to what was sent, and it misbehaves on request. Everything it makes is marked as
sandbox-made. `python -m sandbox` starts it; docs are in the modules: `server` (addresses), `faults`
(what can go wrong), `answers` (where the words come from), `tokens` (how they are counted).
"""
