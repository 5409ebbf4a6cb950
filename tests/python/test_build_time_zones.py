"""The same numbers under any session time zone, also on days of 23 and 25 hours."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from support.events import execution, organization, uuid_of
from support.histories import under
from support.stories import ROWS, Story, sample_lines, shuffled_in_parts

from orchestration.sample.generator import SampleSettings

pytest_plugins = ["support.stories"]

ZONES = {
    "America/Los_Angeles": uuid_of(41),
    "Australia/Lord_Howe": uuid_of(42),
    "Asia/Kolkata": uuid_of(43),
}

# The half hours of the days on which clocks change; Lord Howe changes by one of them.
SHORT_AND_LONG_DAYS = {
    ("America/Los_Angeles", "2025-03-09"): 46,
    ("America/Los_Angeles", "2025-11-02"): 50,
    ("Australia/Lord_Howe", "2025-04-06"): 49,
    ("Australia/Lord_Howe", "2025-10-05"): 47,
    ("Asia/Kolkata", "2025-03-09"): 48,
}


def every_half_hour() -> Iterator[dict[str, Any]]:
    """Yield one execution for each half hour from two days before each change to two after."""
    number = 0
    for zone, day in SHORT_AND_LONG_DAYS:
        moment = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(days=2)
        for _ in range(4 * 48):
            number += 1
            yield execution(
                number,
                organization_id=ZONES[zone],
                start_time=moment.isoformat(),
                end_time=(moment + timedelta(seconds=90)).isoformat(),
                updated_at=(moment + timedelta(seconds=91)).isoformat(),
            )
            moment += timedelta(minutes=30)


def test_builds_under_other_session_zones_equal_one_under_utc(story: Story) -> None:
    elsewhere = under(story, "Asia/Kolkata")
    first, second = shuffled_in_parts(sample_lines(SampleSettings(300, 3, 12, 6, 5)), 2, 5)
    story.land_lines(first)
    story.land(
        *(organization(n, id=id_, timezone=name) for n, (name, id_) in enumerate(ZONES.items()))
    )
    story.build(ROWS)
    elsewhere.land_lines(second)
    elsewhere.land(*every_half_hour())
    elsewhere.build()
    for (name, day), half_hours in SHORT_AND_LONG_DAYS.items():
        assert (name, day, story.days(ZONES[name])[day]["total_tasks"]) == (name, day, half_hours)
    story.assert_equals_oracle()
    # No row of the price files seems to be another one, and no key follows the session.
    for history in ("provider_pricing_history", "baseline_policies_history"):
        changed = f"select * from snapshots.{history} where dbt_valid_to is not null"  # noqa: S608
        assert story.rows(changed) == []
    with story.database.connect(options="-c datestyle=German -c timezone=Asia/Tokyo") as reader:
        keys = "select price_id from intermediate.int_price_rows order by 1"
        written = "select price_id from marts.dim_prices order by 1"
        assert reader.execute(keys).fetchall() == reader.execute(written).fetchall()
    # Another zone alone makes nothing new: no key and no window depends on it.
    identities = story.identities()
    story.build()
    assert story.identities() == identities
    under(story, "America/Los_Angeles").assert_equals_full_refresh()
