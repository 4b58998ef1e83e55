#!/usr/bin/env python3
"""Exit 0 if HEALTH_URL answers with a status below 400. Standard library only: it runs every few seconds."""

import os
import sys
import urllib.error
import urllib.request

try:
    with urllib.request.urlopen(os.environ["HEALTH_URL"], timeout=5):
        pass
except (OSError, urllib.error.URLError) as error:
    sys.exit(f"{os.environ['HEALTH_URL']}: {error}")
