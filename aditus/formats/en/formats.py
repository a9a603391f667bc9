"""Dates in English as in the usage log, the audit trail and the CSV files, with their zone."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d H:i e"
