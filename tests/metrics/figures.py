"""What stands on a page that Prometheus reads, for tests."""

from contextlib import contextmanager

from prometheus_client import values
from prometheus_client.parser import text_string_to_metric_families

from aditus.metrics.exposition import page
from usage.metrics import observers
from usage.metrics.prometheus import PrometheusObserver


class Figures:
    def __init__(self, text):
        self.samples = [
            sample for family in text_string_to_metric_families(text) for sample in family.samples
        ]

    def total(self, name, **labels):
        """The sum of all series of this name that have these labels."""
        return sum(
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def by(self, name, *labels):
        """The values of a name's series by these labels."""
        found = {}
        for sample in self.samples:
            if sample.name == name:
                key = tuple(sample.labels[label] for label in labels)
                found[key] = found.get(key, 0) + sample.value
        return found


@contextmanager
def counting_in(folder):
    """Count in this process for the length of a block; yields a function that reads the figures."""
    observer = PrometheusObserver(folder)
    observer.instruments  # noqa: B018 - makes the folder
    try:
        with observers.added(observer):
            yield lambda: Figures(page(folder, [], accept="")[0].decode())
    finally:
        values.ValueClass.close_all_files()
