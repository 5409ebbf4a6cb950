"""Asks an API for pages: waits where it is told to, and tells nobody the key."""

import datetime as dt
import ipaddress
import os
import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx2

from orchestration.errors import WarehouseError
from orchestration.sources.mapping import Record
from orchestration.sources.reading import object_of

ATTEMPTS = 8
"""How often a page is asked for: limits of a minute pass meanwhile."""

FIRST_WAIT_SECONDS = 1
"""How long to wait after the first time; each further wait is twice as long."""

LONGEST_WAIT_SECONDS = 300
"""Whoever is asked to wait longer comes again another time."""

_TIMEOUT = httpx2.Timeout(60, connect=10)
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_BUSY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class MissingReportError(WarehouseError):
    """The API has nothing at the path that was asked for."""


class Answer(NamedTuple):
    """What an API answered.

    Attributes:
        content: The page as it came.
        page: The page.
        following: The parameters of the link to the next page; None where there is no link.
    """

    content: bytes
    page: Record
    following: dict[str, Any] | None


def secrets_in(variables: Sequence[str], needs: str) -> list[str]:
    """Return the keys that environment variables hold.

    Args:
        variables: Their names.
        needs: What kind of key it is, for messages.

    Returns:
        The keys, without white space around them.

    Raises:
        WarehouseError: One is missing, or can be none.
    """
    found = [os.environ.get(name, "").strip() for name in variables]
    for name, value in zip(variables, found, strict=True):
        if not value:
            raise WarehouseError(f"{name} is not set: it holds {needs}")
        # Whatever sends such a key would say it in its error.
        if not value.isascii() or not value.isprintable():
            raise WarehouseError(f"{name} holds signs that are in no key: it holds {needs}")
    return found


def checked_url(url: str) -> str:
    """Return the address of an API to which a key may be sent.

    Args:
        url: The address.

    Returns:
        The same address, without a slash at its end.

    Raises:
        WarehouseError: It is none, or others could read what is sent there.
    """
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise WarehouseError("The address of the API is no URL") from error
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise WarehouseError("The address of the API is its beginning alone, such as https://host")
    if not parsed.host or not (parsed.scheme == "https" or _is_here(parsed)):
        raise WarehouseError("The address of the API has to begin with https://")
    return str(parsed).rstrip("/")


def _is_here(url: httpx2.URL) -> bool:
    """Return whether an address without encryption leads no farther than this machine."""
    try:
        is_loopback = ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        is_loopback = url.host == "localhost"
    return url.scheme == "http" and is_loopback


class Client:
    """Asks one API, with one key.

    Redirects are not followed: the key would go wherever they lead.
    """

    def __init__(
        self, title: str, url: str, headers: Mapping[str, str], variables: Sequence[str], needs: str
    ) -> None:
        """Make a client.

        Args:
            title: What is asked for, for messages.
            url: The beginning of the addresses.
            headers: What is sent along, with the key.
            variables: The environment variables that hold the key.
            needs: What kind of key it has to be.
        """
        self._title = title
        self._key = " and ".join(variables)
        self._needs = needs
        address = checked_url(url)
        try:
            # What is not encrypted stays here, whatever proxy the environment names.
            self._client = httpx2.Client(
                base_url=address,
                headers=dict(headers),
                timeout=_TIMEOUT,
                trust_env=address.startswith("https"),
            )
        except (ValueError, ImportError) as error:
            raise WarehouseError(
                "The proxy that HTTPS_PROXY or ALL_PROXY names cannot be used"
            ) from error

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def ask(self, path: str, parameters: Mapping[str, Any], *, by_post: bool = False) -> Answer:
        """Ask for a page, again where the API or the way to it fails.

        Args:
            path: Where it is.
            parameters: What is asked for.
            by_post: Whether the parameters are sent as JSON.

        Returns:
            The page.

        Raises:
            MissingReportError: There is nothing at the path.
            WarehouseError: The key is refused, or there was no page.
        """
        for attempt in range(1, ATTEMPTS + 1):
            wait = FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1)
            try:
                if by_post:
                    response = self._client.post(path, json=dict(parameters))
                else:
                    response = self._client.get(path, params=dict(parameters))
            except httpx2.TimeoutException:
                fault = "did not answer in time"
            except (httpx2.TransportError, httpx2.DecodingError) as error:
                fault = f"broke off, or was not reached ({type(error).__name__})"
            else:
                if not _is_busy(response):
                    return self._answer(path, response)
                fault = f"answered {_status(response)}"
                told = _told_wait(response)
                if told is not None and told > LONGEST_WAIT_SECONDS:
                    raise self._failure(
                        path, f"asks to wait {told:.0f} seconds. Run it again after that"
                    )
                wait = wait if told is None else told
            if attempt < ATTEMPTS:
                time.sleep(wait)
        raise self._failure(path, f"{fault}, {ATTEMPTS} times. Run it again later")

    def _answer(self, path: str, response: httpx2.Response) -> Answer:
        status = response.status_code
        if status in _REFUSED:
            raise self._failure(
                path, f"refused the key in {self._key} ({status}): it has to be {self._needs}"
            )
        if response.is_redirect:
            raise self._failure(
                path,
                "answered with a redirect, which the key does not follow: --url names the address",
            )
        if status == HTTPStatus.NOT_FOUND:
            raise MissingReportError(self._failure(path, "is not there (404)").message)
        if status != HTTPStatus.OK:
            raise self._failure(path, f"answered {_status(response)}")
        page = object_of(response.content)
        if page is None:
            raise self._failure(
                path, "answered with something that is no page: no object of JSON. Is --url right?"
            )
        link = response.links.get("next", {}).get("url")
        try:
            # Of the link nothing but its parameters is used, so that the key goes nowhere else.
            following = None if link is None else dict(httpx2.URL(link).params)
        except httpx2.InvalidURL as error:
            raise self._failure(path, "links to a next page that has no address") from error
        return Answer(response.content, page, following)

    def _failure(self, path: str, what: str) -> WarehouseError:
        return WarehouseError(f"{self._title}: {path} {what}")


def _is_busy(response: httpx2.Response) -> bool:
    """Return whether the same question may be answered later; GitHub says so with a 403 as well."""
    status = response.status_code
    return (
        status in _BUSY
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or (status == HTTPStatus.FORBIDDEN and "Retry-After" in response.headers)
    )


def _told_wait(response: httpx2.Response) -> float | None:
    """Return for how many seconds an answer asks to wait, which it says as such or as a date."""
    told = response.headers.get("Retry-After", "").strip()
    if told.isdecimal():
        return float(told)
    try:
        return max(0.0, (parsedate_to_datetime(told) - dt.datetime.now(dt.UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _status(response: httpx2.Response) -> str:
    """Return a status with its name; what the server itself says of it may repeat the key."""
    try:
        return f"{response.status_code} ({HTTPStatus(response.status_code).phrase})"
    except ValueError:
        return str(response.status_code)
