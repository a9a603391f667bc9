import sys

# One of our tools brings it and no installation has it. Where it is, jsonschema imports it, which builds a
# grammar in every process, for a format that nothing here checks.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
