"""The organizations and users of a sample, and the events that announce them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

import msgspec

from orchestration.sample import catalogue
from orchestration.sample.catalogue import Model, Zone
from orchestration.sample.draws import PICK_BITS, Identifiers, pick_table, pick_table_of, seeded

Item = TypeVar("Item")

FIRST_JOINING_DAY = (date(2025, 1, 6) - date(1970, 1, 1)).days
"""The earliest day on which an organization joined, in days since 1970-01-01 UTC."""

LAST_JOINING_DAY = FIRST_JOINING_DAY + 330
"""The latest day on which a user joined, likewise."""


@dataclass(slots=True)
class User:
    """One member of an organization.

    Attributes:
        id: UUID.
        name: Full name.
        team: Team within the organization.
        role: org_admin, team_lead or developer.
        joined_day: Day of the first version, in days since 1970-01-01 UTC.
        weight: Relative activity within the organization.
        fragment: The JSON of `user_id` in an execution.
        metadata: The JSON of the user's tool in an execution's metadata, without the braces.
        is_late: Whether the announcement is still to follow the user's first execution.
    """

    id: str
    name: str
    team: str
    role: str
    joined_day: int
    weight: int
    fragment: str
    metadata: str
    is_late: bool = False


@dataclass(slots=True)
class Organization:
    """One tenant.

    Attributes:
        id: UUID.
        name: Display name.
        tier: free, team or enterprise.
        zone: Reporting time zone; also where the office hours are kept.
        reporting_zone_name: IANA name as announced; moves when the organization changes it.
        monthly_budget_usd: Budget, USD a month.
        baseline: Model of the organization's baseline policy.
        joined_day: Day of the first version, in days since 1970-01-01 UTC.
        intensity: Relative activity for each user.
        tastes: One weight for each entry of `catalogue.MODELS`; 0 is never used.
        users: Members, at least one.
        cumulative_weights: Running sum of the users' weights, for bisecting.
        utc_suffix: How this organization's sources write UTC.
        portfolio: Pick table of the models in use today.
        is_late: Whether the announcement is still to follow the first execution.
    """

    id: str
    name: str
    tier: str
    zone: Zone
    reporting_zone_name: str
    monthly_budget_usd: int
    baseline: Model
    joined_day: int
    intensity: int
    tastes: tuple[int, ...]
    utc_suffix: str
    users: list[User] = field(default_factory=list)
    cumulative_weights: list[int] = field(default_factory=list)
    portfolio: tuple[Model, ...] = ()
    is_late: bool = False

    @property
    def weight(self) -> int:
        """Relative activity among the organizations."""
        return self.intensity * len(self.users)

    def refresh_portfolio(self, today: date) -> None:
        """Takes up the models that are on sale `today`, in UTC."""
        weights = [
            taste if model.available_from <= today else 0
            for model, taste in zip(catalogue.MODELS, self.tastes, strict=True)
        ]
        # Before the first model was on sale any choice is wrong; the price book will say so.
        self.portfolio = pick_table(catalogue.MODELS, weights if any(weights) else self.tastes)


def build_population(seed: int, organizations: int, users: int) -> list[Organization]:
    """Returns the tenants of a seed, largest first.

    They depend on these three arguments only, so that samples of different periods belong to the
    same tenants.

    Args:
        seed: The sample's seed.
        organizations: Number of organizations, at least 1.
        users: Number of users over all organizations, at least one for each.
    """
    source = seeded("population", seed, organizations, users)
    identifiers = Identifiers(source)
    zones = pick_table(catalogue.ZONES, [zone.weight for zone in catalogue.ZONES])
    tiers = pick_table_of(catalogue.TIERS)
    names_taken: set[str] = set()
    tenants = []
    for position in range(organizations):
        tastes = _draw_tastes(source.getrandbits(64))
        tenants.append(
            Organization(
                id=identifiers.take(),
                name=_draw_organization_name(source.getrandbits(32), names_taken),
                tier=tiers[source.getrandbits(PICK_BITS)],
                # The first few get a zone each, so that even a small sample has uneven days.
                zone=(
                    catalogue.ZONES[position]
                    if position < len(catalogue.ZONES) // 2
                    else zones[source.getrandbits(PICK_BITS)]
                ),
                reporting_zone_name="",
                monthly_budget_usd=_element(catalogue.MONTHLY_BUDGETS_USD, source.getrandbits(32)),
                baseline=_draw_baseline(tastes, source.getrandbits(32)),
                joined_day=FIRST_JOINING_DAY + source.getrandbits(8),
                intensity=60 + source.getrandbits(6),
                tastes=tastes,
                utc_suffix="+00:00" if position % 4 == 3 else "Z",
            )
        )
        tenants[-1].reporting_zone_name = tenants[-1].zone.name
    for tenant, count in zip(tenants, _member_counts(organizations, users), strict=True):
        for number in range(count):
            tenant.users.append(
                _draw_user(identifiers.take(), source.getrandbits(64), number, tenant.zone.region)
            )
        running = 0
        for user in tenant.users:
            running += user.weight
            tenant.cumulative_weights.append(running)
    return tenants


def organization_event(tenant: Organization, event_id: str, updated_at: str) -> bytes:
    """Returns the line that announces the organization as it is now."""
    return (
        msgspec.json.encode(
            {
                "event": "organization",
                "event_id": event_id,
                "id": tenant.id,
                "name": tenant.name,
                "tier": tenant.tier,
                "timezone": tenant.reporting_zone_name,
                "baseline_provider": tenant.baseline.provider,
                "baseline_model": tenant.baseline.name,
                "monthly_budget_usd": tenant.monthly_budget_usd,
                "updated_at": updated_at,
            }
        )
        + b"\n"
    )


def user_event(tenant: Organization, user: User, event_id: str, updated_at: str) -> bytes:
    """Returns the line that announces the user as they are now."""
    return (
        msgspec.json.encode(
            {
                "event": "user",
                "event_id": event_id,
                "id": user.id,
                "organization_id": tenant.id,
                "name": user.name,
                "team": user.team,
                "role": user.role,
                "updated_at": updated_at,
            }
        )
        + b"\n"
    )


def _element(items: Sequence[Item], bits: int) -> Item:
    return items[bits % len(items)]


def _member_counts(organizations: int, users: int) -> list[int]:
    """Returns the number of users of each organization: 1 each, the rest in shares of 1/n."""
    shares = [1_000_000 // (place + 1) for place in range(organizations)]
    total = sum(shares)
    spare = users - organizations
    counts = []
    running = 0
    for share in shares:
        # Differences of the rounded running share add up to the whole exactly.
        before = spare * running // total
        running += share
        counts.append(1 + spare * running // total - before)
    return counts


def _draw_organization_name(bits: int, taken: set[str]) -> str:
    first = _element(catalogue.ORGANIZATION_FIRST_WORDS, bits)
    second = _element(catalogue.ORGANIZATION_SECOND_WORDS, bits >> 8)
    name = f"{first} {second}"
    while name in taken:
        name = f"{first} {second} {len(taken) + 1}"
    taken.add(name)
    return name


def _draw_tastes(bits: int) -> tuple[int, ...]:
    """Returns how much an organization likes each model; it leaves some providers alone."""
    tastes = []
    for position, provider in enumerate(catalogue.PROVIDERS):
        # Three organizations in four have a contract with it; nearly all with a large one.
        uses = (bits >> position | bits >> (position + 8)) & (3 if position < 3 else 1)
        liking = 1 + (bits >> (16 + 4 * position) & 15) if uses else 0
        tastes.append((provider.name, provider.popularity * liking))
    if not any(taste for _, taste in tastes):
        tastes[0] = (catalogue.PROVIDERS[0].name, 1)
    by_provider = dict(tastes)
    return tuple(
        by_provider[model.provider] * model.popularity * (1 + (bits >> (position % 60) & 7))
        for position, model in enumerate(catalogue.MODELS)
    )


def _draw_baseline(tastes: tuple[int, ...], bits: int) -> Model:
    """Returns one of the dearer models that the organization uses: a baseline worth beating."""
    liked = [model for model, taste in zip(catalogue.MODELS, tastes, strict=True) if taste]
    used = [model for model in catalogue.BASELINE_MODELS if model in liked]
    used.sort(key=lambda model: (-model.output_rate, model.provider, model.name))
    return used[bits % max(1, len(used) // 2)]


def _draw_user(identifier: str, bits: int, number: int, region: str) -> User:
    """Returns a user; the first of an organization is its administrator."""
    role = "org_admin" if number == 0 else "team_lead" if bits & 7 == 0 else "developer"
    # One in sixteen works with an agent all day and does as much as a dozen others.
    weight = (60 + (bits >> 4 & 63)) * (12 if bits >> 10 & 15 == 0 else 1)
    environment = "ci" if bits >> 44 & 15 == 0 else "workstation"
    return User(
        id=identifier,
        name=(
            f"{_element(catalogue.GIVEN_NAMES, bits >> 14)} "
            f"{_element(catalogue.FAMILY_NAMES, bits >> 22)}"
        ),
        team=_element(catalogue.TEAMS, bits >> 30),
        role=role,
        joined_day=FIRST_JOINING_DAY + 200 + (bits >> 48 & 127),
        weight=weight,
        fragment=f',"user_id":"{identifier}"',
        metadata=(
            f'{_element(catalogue.CLIENTS, bits >> 33)},"environment":"{environment}"'
            f',"region":"{region}"'
        ),
    )
