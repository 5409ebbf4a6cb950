"""Headers that keep a browser from doing more with an answer than showing it."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""The content security policy: nothing from elsewhere, nothing inline, in nobody's frame."""


def framed_by(site: str) -> str:
    """Return the policy of a page that another site may show in a frame.

    Args:
        site: The site, such as https://portal.example.

    Returns:
        The content security policy.
    """
    return POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {site}")


_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}


class SecurityHeaders:
    """Adds the headers to every response that does not have its own."""

    def __init__(self, app: ASGIApp) -> None:
        """Take the application.

        Args:
            app: The application.
        """
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                added = _HEADERS | (_OVER_TLS if scope["scheme"] == "https" else {})
                # What says who may frame it, says so in the newer of the two ways.
                is_framed = "Content-Security-Policy" in headers
                for name, value in added.items():
                    if not (is_framed and name == "X-Frame-Options"):
                        headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
