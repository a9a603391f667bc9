"""How often one address may knock at the doors that ask for no token."""

from __future__ import annotations

import logging
from typing import Any

from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import AnonRateThrottle

logger = logging.getLogger(__name__)


class AnonymousThrottle(AnonRateThrottle):
    """DRF's, which goes by the client's address (`accounts.client_addresses`). Fails open: while the cache is
    away, logins go on, and the lock after wrong passwords, which the database keeps, still holds."""

    def allow_request(self, request: Request, view: Any) -> bool:
        try:
            return bool(super().allow_request(request, view))
        except (RedisError, OSError):
            logger.warning("The cache is away; anonymous requests are not counted")
            return True
