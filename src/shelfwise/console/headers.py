"""What browsers are told of pages: what may run in them, and that nobody keeps them."""

from __future__ import annotations

from collections.abc import Mapping

NOT_SNIFFED: Mapping[str, str] = {"X-Content-Type-Options": "nosniff"}

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""Only files of this server run and are loaded: neither scripts nor styles inside a page do."""

OF_PAGES: Mapping[str, str] = {
    **NOT_SNIFFED,
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Vary": "Accept-Encoding, Accept-Language, Cookie",
}
