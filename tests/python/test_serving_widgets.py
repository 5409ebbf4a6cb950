"""Widgets: figures of one organization in one site's pages, by a link that opens nothing else."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from support.oracle import Row
from support.serving import KEYS, Served, org_admin, serving, token_header
from support.stories import Story

from orchestration.errors import WarehouseError
from orchestration.serving.brand import Brand, contrast_with_white
from orchestration.serving.principal import Keys, Principal, TokenError, Widget

pytest_plugins = ["support.stories"]

SITE = "https://portal.example"
KINDS = ("savings", "providers", "trend")
HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def served(sample: Story) -> Iterator[Served]:
    with serving(sample.database) as found:
        yield found


@pytest.fixture(scope="module")
def tenants(sample: Story) -> list[str]:
    facts = sample.oracle().task_executions.values()
    return sorted({fact["organization_id"] for fact in facts})


@pytest.fixture(scope="module")
def facts(sample: Story, tenants: list[str]) -> list[Row]:
    every = sample.oracle().task_executions.values()
    return [fact for fact in every if fact["organization_id"] == tenants[0]]


def wish(served: Served, principal: Principal | None, **body: Any) -> Any:
    return served.client.post(
        "/api/v1/widgets",
        json={"widget": "providers", "site": SITE} | body,
        headers=token_header(principal),
    )


def link_of(served: Served, tenant: str, **body: Any) -> str:
    made = wish(served, org_admin(tenant), **body)
    assert made.status_code == 201, made.text
    return str(made.json()["address"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_shows_its_widget_to_whoever_has_it_in_its_site(
    served: Served, tenants: list[str], kind: str
) -> None:
    answer = served.client.get(link_of(served, tenants[0], widget=kind) + "&days=all")
    assert answer.status_code == 200, answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert f"frame-ancestors {SITE}" in policy
    assert "unsafe" not in policy
    assert "X-Frame-Options" not in answer.headers
    assert "<script" not in answer.text
    assert not re.search(r"\sstyle=|\son[a-z]+=", answer.text)


def test_it_shows_the_figures_of_its_organization(
    served: Served, tenants: list[str], facts: list[Row]
) -> None:
    text = served.client.get(link_of(served, tenants[0]) + "&days=all").text
    for provider in {fact["provider"] for fact in facts}:
        spent = sum(
            (fact["cost_usd"] or Decimal(0) for fact in facts if fact["provider"] == provider),
            Decimal(0),
        )
        label = re.escape(provider.replace("_", " "))
        found = re.search(rf">{label}</span> <span class=\"amount\">\$([0-9,.]+)", text)
        assert found, provider
        assert abs(Decimal(found[1].replace(",", "")) - spent) <= Decimal("0.005"), provider


def test_a_link_opens_nothing_else(served: Served, tenants: list[str]) -> None:
    address = link_of(served, tenants[0])
    token = address.partition("token=")[2]
    for other in ("savings", "trend"):
        assert served.client.get(f"/widgets/{other}?token={token}").status_code == 401
    for path in ("/api/v1/analytics/savings/summary", f"/organizations/{tenants[0]}", "/mcp"):
        header = {"Authorization": f"Bearer {token}"}
        assert served.client.request(
            "POST" if path == "/mcp" else "GET", path, headers=header
        ).status_code == 401  # fmt: skip
    api_token = token_header(org_admin(tenants[0]))["Authorization"].removeprefix("Bearer ")
    assert served.client.get(f"/widgets/providers?token={api_token}").status_code == 401
    assert served.client.get(f"{address}&organization_id={tenants[1]}").status_code == 422
    assert served.client.get("/widgets/everything?token=x").status_code == 422
    assert served.client.get("/widgets/savings").status_code == 422


def test_a_link_that_was_changed_or_has_expired_shows_nothing(
    served: Served, tenants: list[str]
) -> None:
    widget = Widget(UUID(tenants[0]), "savings", SITE)
    now = dt.datetime.now(dt.UTC)
    expired = KEYS.token_for_widget(widget, now - dt.timedelta(seconds=1))
    answer = served.client.get(f"/widgets/savings?token={expired}", headers=HTML)
    assert (answer.status_code, "has expired" in answer.text) == (401, True)
    claims = jwt.decode(
        KEYS.token_for_widget(widget, now + dt.timedelta(hours=1)),
        options={"verify_signature": False},
    )
    for forged in (
        jwt.encode(claims | {"organization_id": tenants[1]}, "x" * 40, algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode(claims | {"aud": KEYS.audience}, str(KEYS.secret), algorithm="HS256"),
        jwt.encode({k: v for k, v in claims.items() if k != "exp"}, str(KEYS.secret)),
        jwt.encode(claims | {"organization_id": "x"}, str(KEYS.secret)),
        "x",
    ):
        answer = served.client.get(f"/widgets/savings?token={forged}")
        assert (answer.status_code, "not valid" in answer.text) == (401, True), forged


def test_only_who_may_see_everything_makes_links(served: Served, tenants: list[str]) -> None:
    developer = Principal("developer", UUID(tenants[0]), UUID(int=5))
    assert wish(served, developer).status_code == 403
    assert wish(served, None).status_code == 401
    other = wish(served, org_admin(tenants[0]), organization_id=tenants[1])
    assert other.status_code == 403


def test_without_a_secret_there_are_no_widgets(tenants: list[str]) -> None:
    keys, widget = Keys(None, "jwks.json"), Widget(UUID(tenants[0]), "savings", SITE)
    until = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    with pytest.raises(TokenError, match="WAREHOUSE_JWT_SECRET"):
        keys.token_for_widget(widget, until)
    # An empty secret would be anybody's.
    forged = Keys(" ", None).token_for_widget(widget, until)
    with pytest.raises(TokenError, match="no widgets"):
        keys.widget_of(forged)


@pytest.mark.parametrize(
    "body",
    [
        {"site": "portal.example"},
        {"site": "http://portal.example"},
        {"site": "https://portal.example/page"},
        {"site": "https://portal.example; script-src *"},
        {"site": "https://a@portal.example"},
        {"site": "*"},
        {"site": "https://portal.example\n"},
        {"widget": "everything"},
        {"hours": 0},
        {"hours": 1_000_000},
        {"days": "30"},
    ],
)
def test_a_wrong_wish_is_refused(served: Served, tenants: list[str], body: Any) -> None:
    assert wish(served, org_admin(tenants[0]), **body).status_code == 422


def test_what_is_shown_is_recorded_without_what_the_link_is_good_by(
    served: Served, sample: Story, tenants: list[str]
) -> None:
    address = link_of(served, tenants[0], widget="savings")
    served.client.get(address)
    made, shown = sample.rows(
        "select action, organization_id, details from audit.audit_log "
        "where resource_id in ('/api/v1/widgets', '/widgets/savings') "
        "order by created_at desc limit 2"
    )[::-1]
    assert (made["action"], shown["action"]) == ("export_data", "view_analytics")
    assert {made["organization_id"], shown["organization_id"]} == {tenants[0]}
    assert shown["details"] == {"role": "org_admin", "widget": "savings", "site": SITE}
    assert "token" not in json.dumps([made["details"], shown["details"]])


def test_pages_appear_under_a_brand(sample: Story, tenants: list[str]) -> None:
    logo = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    brand = Brand("Acme Insights", "#203a8f", (logo, "image/svg+xml"))
    with serving(sample.database, brand=brand) as served:
        admin = token_header(org_admin(tenants[0]))
        for path in (f"/organizations/{tenants[0]}", link_of(served, tenants[0])):
            text = served.client.get(path, headers=admin).text
            assert "Acme Insights" in text
            assert "AI Spend Warehouse" not in text
            (style,) = re.findall(r'href="(/static/brand[^"]+)"', text)
            (image,) = re.findall(r'src="(/static/logo[^"]+)"', text)
            assert "--hero: #203a8f" in served.client.get(style).text
            assert served.client.get(image).content == logo


@pytest.mark.parametrize(
    ("variable", "value", "fault"),
    [
        ("WAREHOUSE_BRAND_COLOR", "red", "written like"),
        ("WAREHOUSE_BRAND_COLOR", "#fff; } * { color: red", "written like"),
        ("WAREHOUSE_BRAND_COLOR", "#ffee00", "cannot be read"),
        ("WAREHOUSE_BRAND_LOGO", "/nowhere/logo.png", "cannot be read"),
        ("WAREHOUSE_BRAND_LOGO", "/etc/passwd", "has to be one of"),
    ],
)
def test_a_brand_that_cannot_be_shown_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, fault: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(WarehouseError, match=fault):
        Brand.from_environment()


def test_a_brand_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.PNG"
    logo.write_bytes(b"image")
    for name, value in (("NAME", "Acme"), ("COLOR", "#203a8f"), ("LOGO", str(logo))):
        monkeypatch.setenv(f"WAREHOUSE_BRAND_{name}", value)
    assert Brand.from_environment() == Brand("Acme", "#203a8f", (b"image", "image/png"))
    logo.write_bytes(b"x" * 200_001)
    with pytest.raises(WarehouseError, match="at most 200,000"):
        Brand.from_environment()


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast_with_white("#ffffff") == pytest.approx(1)
    assert contrast_with_white("#000000") == pytest.approx(21)
    assert contrast_with_white("#767676") == pytest.approx(4.54, abs=0.005)
