"""What scraping declares: its section."""

from typing import Any

from keepwell.ports.offer import Section

SAMPLE = """\
# scrape:
#   # A job, as in Prometheus' scrape_configs: its name becomes the label job.
#   node:
#     targets: [127.0.0.1:9100]
#     every: 15s
#     metric_relabel_configs:
#       - {source_labels: [__name__], regex: "go_.*", action: drop}
"""


def sections() -> tuple[Section, ...]:
    """The section ``scrape``."""
    return (
        Section(
            "scrape", "Pages of measurements that are asked for again and again, as Prometheus does", _options, named=True, sample=SAMPLE
        ),
    )


def _options() -> type[Any]:
    from .options import ScrapeOptions

    return ScrapeOptions
