"""Real usage: a coding assistant's published log, priced by the shipped price book."""

import io
from pathlib import Path

import pytest
from support.stories import Story, environment_of

from orchestration.landing.loader import Stream, land_streams
from orchestration.sources.aider import convert

pytest_plugins = ["support.stories"]

LOG = Path(__file__).parents[3] / "shared" / "data" / "aider_analytics" / "llm_calls.csv"


@pytest.mark.skipif(not LOG.exists(), reason="the published log is not beside the checkout")
def test_twenty_months_of_real_calls_cost_what_the_tool_recorded(story: Story) -> None:
    with environment_of(story.database):
        (landed,) = land_streams([Stream("aider", io.BytesIO(b"".join(convert(LOG))))])
    assert landed.lines_rejected == 0
    story.build(with_tests=True)
    assert story.row(
        "select count(*) as calls, count(*) filter (where status = 'failed') as failed, "
        "sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens, "
        "count(*) filter (where pricing_status = 'priced') as priced, "
        "count(*) filter (where abs(cost_usd - reported_cost_usd) <= 1e-9) as equal_to_recorded "
        "from marts.fct_task_executions"
    ) == {
        "calls": 5_624,
        "failed": 61,
        "input_tokens": 73_020_005,
        "output_tokens": 2_956_951,
        "priced": 5_077,
        "equal_to_recorded": 5_000,
    }
    assert story.row(
        "select sum(total_tasks) as calls, sum(failed_tasks) as failed, "
        "sum(unpriced_tasks) as unpriced from documents.organization_analytics "
        "where aggregation_period = 'daily'"
    ) == {"calls": 5_624, "failed": 61, "unpriced": 547}
    # The other 77 calls: ten differ by less than the tolerance, and most of the rest explain
    # themselves: four were recorded at exactly a tenth. One call stands at a test price of
    # 999 USD a token.
    assert {
        row["cause"]: row["calls"]
        for row in story.rows(
            "select cause, count(*) as calls from marts.cost_discrepancies "
            "where cost_usd is not null group by cause"
        )
    } == {"price_date": 32, "cache_not_stated": 25, "constant_factor": 4, "unknown": 6}
