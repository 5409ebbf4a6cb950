"""For whom a request is made: what a signed token says."""

import datetime as dt
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt

from orchestration.errors import WarehouseError

ROLES = ("org_admin", "team_lead", "developer", "analyst")
"""Database roles that a token may name; `analyst` reads every organization, one at a time."""

AUDIENCE = "ai-spend-warehouse"
_LEEWAY_SECONDS = 30
_SHORTEST_SECRET = 32
_SECONDS_OF_VERIFIED = 5
_MOST_VERIFIED = 10_000
_SECONDS_OF_KEYS = 300.0
_SECONDS_BETWEEN_READS = 10.0
_READ_SECONDS = 3

_log = logging.getLogger(__name__)


class TokenError(Exception):
    """A token that is none, is not ours, or has expired; the message names no part of it."""


@dataclass(frozen=True)
class Principal:
    """For whom a request is made.

    Attributes:
        role: The database role that the request takes.
        organization_id: The organization; None for who reads every one and has named none.
        user_id: The user; None for a program.
    """

    role: str
    organization_id: UUID | None
    user_id: UUID | None

    @property
    def reads_every_organization(self) -> bool:
        """Whether it may ask about any organization."""
        return self.role == "analyst"

    @property
    def tenant(self) -> str:
        """Whose requests are counted together."""
        return f"tenant {self.organization_id or self.role}"

    @property
    def scope(self) -> str:
        """Whose rows it sees: those of the `organization`, or only of `people` in it."""
        return "people" if self.role in ("team_lead", "developer") else "organization"


@dataclass(frozen=True)
class Widget:
    """What a link shows to whoever has it.

    Attributes:
        organization_id: Whose figures.
        kind: Which of them.
        site: In whose pages.
    """

    organization_id: UUID
    kind: str
    site: str

    @property
    def principal(self) -> Principal:
        """For whom the figures are asked for."""
        return Principal("org_admin", self.organization_id, None)


@dataclass(frozen=True)
class Keys:
    """What tokens are verified with.

    Attributes:
        secret: The secret of HS256, None where tokens are signed otherwise.
        jwks_url: Where public keys for RS256 are, a URL or a file; None without.
        audience: For whom tokens must be made.
    """

    secret: str | None
    jwks_url: str | None
    audience: str = AUDIENCE

    @classmethod
    def from_environment(cls, local_secret: str | None = None) -> "Keys":
        """Return the keys that the environment names.

        Args:
            local_secret: What to take for a secret where it names none, on a warehouse that is for
                this machine alone.

        Returns:
            The keys.

        Raises:
            WarehouseError: There are none, or the secret is too short to be one.
        """
        url = os.environ.get("WAREHOUSE_JWKS_URL")
        secret = os.environ.get("WAREHOUSE_JWT_SECRET") or (None if url else local_secret)
        if not secret and not url:
            raise WarehouseError(
                "Neither WAREHOUSE_JWT_SECRET nor WAREHOUSE_JWKS_URL is set: no token could be "
                "verified. `openssl rand -base64 32` makes a secret."
            )
        if secret and len(secret) < _SHORTEST_SECRET:
            raise WarehouseError(
                f"WAREHOUSE_JWT_SECRET must have {_SHORTEST_SECRET} characters or more."
            )
        return cls(
            secret or None, url or None, os.environ.get("WAREHOUSE_JWT_AUDIENCE") or AUDIENCE
        )

    @cached_property
    def _public_keys(self) -> "_PublicKeys":
        if self.jwks_url is None:
            raise TokenError("Tokens signed with RS256 are not accepted here.")
        return _PublicKeys(self.jwks_url)

    def principal_of(self, token: str | None) -> Principal:
        """Return for whom a token was made.

        Args:
            token: The token, as it stands in the header; None where there is none.

        Returns:
            The principal.

        Raises:
            TokenError: It is none, has expired, was signed by somebody else or says too little.
        """
        if token is None:
            raise TokenError("A token is needed: Authorization: Bearer ...")
        if self.jwks_url:
            return self._verify(token)  # Its key may be withdrawn at any time.
        return self._verified(token, int(time.time() // _SECONDS_OF_VERIFIED))

    @cached_property
    def _verified(self) -> Callable[[str, int], Principal]:
        # Verifying takes longer than everything else that an answer which is kept needs.
        return lru_cache(_MOST_VERIFIED)(lambda token, _: self._verify(token))

    def _verify(self, token: str) -> Principal:
        try:
            algorithm = jwt.get_unverified_header(token).get("alg")
            if algorithm == "HS256" and self.secret:
                key: Any = self.secret
            elif algorithm == "RS256":
                key = self._public_keys.of(jwt.get_unverified_header(token)["kid"])
            else:
                raise TokenError("The token is signed in a way that is not accepted here.")
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self.audience,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise TokenError("The token has expired.") from None
        except (jwt.PyJWTError, KeyError, OSError):
            raise TokenError("The token is not valid here.") from None
        return _principal(claims)

    def token_for(self, principal: Principal, lifetime: dt.timedelta) -> str:
        """Return a token, signed with the secret, as a platform would make it.

        Args:
            principal: For whom.
            lifetime: How long it holds.

        Returns:
            The token.

        Raises:
            WarehouseError: There is no secret.
        """
        now = dt.datetime.now(dt.UTC)
        claims = {
            "sub": str(principal.user_id or "program"),
            "role": principal.role,
            "organization_id": principal.organization_id and str(principal.organization_id),
            "aud": self.audience,
            "iat": now,
            "exp": now + lifetime,
        }
        return self._signed(claims)

    def token_for_events(self, organization_id: UUID, lifetime: dt.timedelta) -> str:
        """Return a token that an organization's instruments send with, and that reads nothing.

        Args:
            organization_id: The organization.
            lifetime: How long it holds.

        Returns:
            The token.

        Raises:
            WarehouseError: There is no secret.
        """
        claims = {
            "organization_id": str(organization_id),
            "aud": self._audience_of_events,
            "exp": dt.datetime.now(dt.UTC) + lifetime,
        }
        return self._signed(claims)

    def sender_of(self, token: str | None) -> UUID:
        """Return whose events come with a token.

        Args:
            token: One of `token_for_events`, or an organization's administrator's.

        Returns:
            The organization.

        Raises:
            TokenError: It is neither.
        """
        if token is not None and self.secret is not None:
            try:
                claims = jwt.decode(
                    token,
                    self.secret,
                    algorithms=["HS256"],
                    audience=self._audience_of_events,
                    options={"require": ["exp", "aud"]},
                )
                return UUID(claims["organization_id"])
            except jwt.ExpiredSignatureError:
                raise TokenError("The token has expired.") from None
            except (jwt.PyJWTError, KeyError, ValueError):
                pass  # It may be a person's.
        principal = self.principal_of(token)
        if principal.role != "org_admin" or principal.organization_id is None:
            raise TokenError("The token is not for sending events.")
        return principal.organization_id

    def token_for_widget(self, widget: Widget, expires_at: dt.datetime) -> str:
        """Return what a widget's link is good by, which opens nothing else.

        Args:
            widget: What it shows.
            expires_at: Until when.

        Returns:
            The token.

        Raises:
            TokenError: There is no secret to sign it with.
        """
        if self.secret is None:
            raise TokenError("Widgets are signed with WAREHOUSE_JWT_SECRET, which is not set.")
        claims = {
            "organization_id": str(widget.organization_id),
            "widget": widget.kind,
            "site": widget.site,
            "aud": self._audience_of_widgets,
            "exp": expires_at,
        }
        return jwt.encode(claims, self.secret, algorithm="HS256")

    def widget_of(self, token: str) -> Widget:
        """Return what a link shows.

        Args:
            token: Of `token_for_widget`.

        Returns:
            The widget.

        Raises:
            TokenError: It is none, or has expired.
        """
        if self.secret is None:
            raise TokenError("There are no widgets here.")
        try:
            claims = jwt.decode(
                token,
                self.secret,
                algorithms=["HS256"],
                audience=self._audience_of_widgets,
                options={"require": ["exp", "aud"]},
            )
            return Widget(UUID(claims["organization_id"]), claims["widget"], claims["site"])
        except jwt.ExpiredSignatureError:
            raise TokenError("The link has expired.") from None
        except (jwt.PyJWTError, KeyError, ValueError):
            raise TokenError("The link is not valid here.") from None

    def _signed(self, claims: dict[str, Any]) -> str:
        if self.secret is None:
            raise WarehouseError("WAREHOUSE_JWT_SECRET is not set: who has the keys makes tokens.")
        return jwt.encode(claims, self.secret, algorithm="HS256")

    @property
    def _audience_of_events(self) -> str:
        return f"{self.audience}/events"

    @property
    def _audience_of_widgets(self) -> str:
        return f"{self.audience}/widgets"


class _PublicKeys:
    """An identity provider's keys, read again when they are old or a new one is named."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: dict[str, Any] = {}
        self._asked_at = -_SECONDS_OF_KEYS
        self._lock = threading.Lock()

    def of(self, key_id: str) -> Any:
        """Return a key.

        Raises:
            KeyError: There is none of that id.
        """
        with self._lock:
            age = time.monotonic() - self._asked_at
            # Whoever makes up ids must not make this ask for each of them.
            if age > _SECONDS_OF_KEYS or (
                key_id not in self._keys and age > _SECONDS_BETWEEN_READS
            ):
                self._asked_at = time.monotonic()
                try:
                    self._keys = {key.key_id: key.key for key in self._read().keys if key.key_id}
                except (jwt.PyJWTError, OSError, ValueError) as error:
                    # Those that are known hold until the provider answers.
                    _log.warning("Keys were not read from %s: %s", self._url, error)
        return self._keys[key_id]

    def _read(self) -> jwt.PyJWKSet:
        if "://" in self._url:
            return jwt.PyJWKClient(self._url, timeout=_READ_SECONDS).get_jwk_set(refresh=True)
        return jwt.PyJWKSet.from_json(Path(self._url).read_text("utf-8"))


def _principal(claims: dict[str, Any]) -> Principal:
    role = claims.get("role")
    if role not in ROLES:
        raise TokenError("The token names no role that is known here.")
    return checked(Principal(role, _uuid(claims.get("organization_id")), _uuid(claims.get("sub"))))


def checked(principal: Principal) -> Principal:
    """Return a principal that says all that its role needs.

    Args:
        principal: The principal.

    Returns:
        The same.

    Raises:
        TokenError: It says too little.
    """
    if principal.organization_id is None and not principal.reads_every_organization:
        raise TokenError("The token names no organization.")
    if principal.user_id is None and principal.scope == "people":
        raise TokenError("The token names no user.")
    return principal


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
