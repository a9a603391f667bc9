"""One cluster for a module: starting it takes longer than any test of it."""

import time
from datetime import UTC, datetime

import pytest

from accounts import personal_tokens
from accounts.audit import Actor
from accounts.concurrency import run
from accounts.models import Plan, User
from accounts.tokens import issue_pair
from providers.models import AIProviderConfig
from tests.cluster.machines import machines, three_webs
from tests.factories import make_config, make_user
from tests.sandbox import running_sandbox
from usage.ledger import get_ledger

LONG_AFTER = datetime(2099, 1, 1, tzinfo=UTC)


class Cluster:
    def __init__(self, found, webs, proxy, vendor):
        self.machines, self.webs, self.proxy, self.vendor = found, webs, proxy, vendor
        self._people = 0
        # Calls whose process was killed: each may have died between its row and its request.
        self.cut = 0

    @property
    def roots(self):
        return [web.url for web in self.webs]

    def person(self, **plan):
        """A new user's (id, access token for the door), on a plan of the user's own, unlimited but for
        `plan`."""
        self._people += 1
        slug = f"plan-{self._people}"
        fields = {"name": slug, "daily_token_limit": None, "monthly_token_limit": None} | plan
        Plan.objects.create(slug=slug, **fields)
        user = make_user(f"person{self._people}@example.com", plan=slug)
        return user.pk, personal_tokens.create(user=user, name="CI", actor=Actor.system())[1]

    def access(self, pk):
        """A person's access token for the API."""
        return issue_pair(user=User.objects.get(pk=pk), verified_at=None)["access"]

    def super_admin(self):
        """An access token of one who has just shown a second factor."""
        self._people += 1
        user = make_user(f"root{self._people}@example.com", role="SUPER_ADMIN")
        return issue_pair(user=user, verified_at=int(time.time()))["access"]

    def only_config(self, **fields):
        """The one provider there is from now on."""
        AIProviderConfig.objects.all().delete()
        return make_config(**{"model_name": "sandbox-mini", "base_url": self.vendor.openai} | fields)

    def sweep(self):
        return run(get_ledger().sweep(now=LONG_AFTER))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, django_db_blocker):
    folder = tmp_path_factory.mktemp("cluster")
    with (
        django_db_blocker.unblock(),
        running_sandbox() as vendor,
        machines(folder) as found,
        three_webs(found) as (webs, before),
    ):
        yield Cluster(found, webs, before, vendor)
