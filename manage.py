#!/usr/bin/env python
"""Entry point of every operator command."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aditus.settings")
    import django
    from django.core.management import execute_from_command_line

    django.setup()
    from accounts.command_trail import entered

    with entered(sys.argv):
        execute_from_command_line(sys.argv)
