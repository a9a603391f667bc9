"""Wherever a text may be left: every table, every key of Redis, the cache in memory, the broker's files."""

import json
from pathlib import Path
from urllib.parse import quote_plus

import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection

_READ = {
    "string": lambda server, key: server.get(key),
    "list": lambda server, key: server.lrange(key, 0, -1),
    "set": lambda server, key: server.smembers(key),
    "zset": lambda server, key: server.zrange(key, 0, -1, withscores=True),
    "hash": lambda server, key: server.hgetall(key),
    "stream": lambda server, key: server.xrange(key),
}


def found_anywhere(*texts):
    """(place, text) wherever one of the texts is, in any case, written as it is, as JSON or in bytes."""
    wanted = {form.casefold() for text in texts for form in _forms(text)}
    return [
        (place, text)
        for place, told in [*_tables(), *_keys(), *_files()]
        for text in sorted(wanted)
        if text in told.casefold()
    ]


def _forms(text):
    """As it is, as addresses write it, and as JSON and the repr of bytes write what is not ASCII."""
    return {
        text,
        quote_plus(text),
        json.dumps(text)[1:-1],
        repr(text.encode())[2:-1],
        repr(json.dumps(text)[1:-1])[1:-1],
    }


def _tables():
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            yield table, "\n".join(map(str, cursor.fetchall()))


def _keys():
    if not settings.REDIS_URL:
        yield "cache", str(cache._cache)
        return
    with redis.Redis.from_url(settings.REDIS_URL) as server:
        for key in server.scan_iter(count=1000):
            # One that lapses meanwhile is none.
            read = _READ.get(server.type(key).decode())
            yield str(key), f"{key} {read(server, key) if read else ''}"


def _files():
    folder = Path(settings.DATA_DIR, "broker")
    for path in folder.rglob("*") if folder.exists() else ():
        if path.is_file():
            yield str(path), path.read_bytes().decode(errors="replace")
