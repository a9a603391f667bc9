"""Which tests a run makes: all of them, those for another database, or those that are quick."""

NOT_QUICK = {"postgres", "redis", "browser", "embedded", "local_model", "processes", "slow"}


def marks_of(item):
    return {mark.name for mark in item.iter_markers()}


def commits(item):
    """Whether it is a test over more than one transaction."""
    mark = item.get_closest_marker("django_db")
    fixtures = {"transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    return bool(fixtures or (mark and mark.kwargs.get("transaction")))


def uses_database(item):
    """By its mark or its fixtures; a test of several processes or of a browser does so by way of others."""
    fixtures = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    return bool(fixtures or {"django_db", "postgres", "browser"} & marks_of(item))


def is_quick(item):
    """In this process, and in one transaction if it is in any."""
    return not commits(item) and not NOT_QUICK & marks_of(item)


def takes_long(item):
    """So it is begun early: a worker that begins one at the end has the others wait for it."""
    return bool(NOT_QUICK & marks_of(item))


def needs_another_database(item):
    """Whether another database may answer differently what it asks."""
    return uses_database(item) and "any_database" not in marks_of(item)
