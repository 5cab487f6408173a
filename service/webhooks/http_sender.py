"""Sends webhooks over HTTP with httpx, to the addresses of the public internet alone.

The host is resolved for each request, each of its addresses is checked, and the connection is made to one of exactly
these: a name that resolves to something else a moment later changes nothing. Redirects are not followed, the
environment's proxies are not used, and only the needed part of an answer is read. TLS certificates are those of the
name, whatever the address. Each request has a connection of its own.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

import httpx

from service.webhooks.addresses import Address, why_refused
from service.webhooks.delivery import Answer, retry_after

_MOST_READ = 16_384
_MOST_TRIED = 4
_USER_AGENT = f"Assay-Webhooks/{version('assay')}"

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host."""


class HttpSender:
    """`webhooks.ports.Sender`. `timeout` in seconds bounds a request as a whole, `connect` the way to the first byte.

    `allow_private`: addresses that are not of the public internet, and plain http, are allowed too.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        timeout: float = 15.0,
        connect: float = 5.0,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._allow_private, self._timeout = allow_private, timeout
        limits = httpx.Limits(max_keepalive_connections=0)  # two hosts at one address never share a connection
        inner = transport or httpx.AsyncHTTPTransport(verify=tls or httpx.create_ssl_context(), limits=limits)
        self._client = httpx.AsyncClient(
            transport=_Pinned(inner, resolve or _resolve, allow_private=allow_private),
            headers={"user-agent": _USER_AGENT, "content-type": "application/json", "connection": "close"},
            timeout=httpx.Timeout(timeout, connect=connect),
            follow_redirects=False,
            trust_env=False,
        )

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """See `ports.Sender.send`."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(url, body, headers, began)
        except _Refused as refusal:
            return Answer(status=0, seconds=time.perf_counter() - began, error=str(refusal), refused=True)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, ValueError) as error:
            return Answer(status=0, seconds=time.perf_counter() - began, error=_words(error, self._timeout))

    async def close(self) -> None:
        """Close connections."""
        await self._client.aclose()

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], began: float) -> Answer:
        parsed = httpx.URL(url)
        if parsed.scheme != "https" and not (parsed.scheme == "http" and self._allow_private):
            raise _Refused(f"{parsed.scheme or 'no scheme'} is not allowed: use https")
        async with self._client.stream("POST", parsed, content=body, headers=dict(headers)) as response:
            await _read(response)
        error = "" if response.is_success else _complaint(response.status_code)
        asked = retry_after(response.headers, datetime.now(UTC))
        return Answer(status=response.status_code, seconds=time.perf_counter() - began, error=error, retry_after=asked)


class _Refused(Exception):
    """Sending to the address is not allowed."""


class _Pinned(httpx.AsyncBaseTransport):
    """Resolves, checks, and connects to the address that it checked."""

    def __init__(self, inner: httpx.AsyncBaseTransport, resolve: Resolve, *, allow_private: bool) -> None:
        self._inner, self._resolve, self._allow_private = inner, resolve, allow_private

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it to the first address that takes a connection; host header and TLS keep the name."""
        host, port = request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = await self._judged(host, port)
        for address in addresses[:_MOST_TRIED]:
            try:
                return await self._inner.handle_async_request(_addressed(request, host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
        raise failure

    async def aclose(self) -> None:
        """Close connections."""
        await self._inner.aclose()

    async def _judged(self, host: str, port: int) -> list[Address]:
        """The host's addresses. Raises `_Refused` when any of them is not public: a mix is suspicious."""
        found = [ipaddress.ip_address(each) for each in await self._resolve(host, port)]
        if not found:
            raise httpx.ConnectError(f"{host} has no address")
        for address in () if self._allow_private else found:
            if why := why_refused(address):
                raise _Refused(f"{host} is at {address}, {why}: set ASSAY_WEBHOOK_ALLOW_PRIVATE to send there")
        return found


def _addressed(request: httpx.Request, host: str, address: Address) -> httpx.Request:
    extensions = dict(request.extensions)
    try:
        ipaddress.ip_address(host)
    except ValueError:  # a name: TLS asks for it and checks the certificate against it
        extensions["sni_hostname"] = request.url.raw_host.decode("ascii")
    url = request.url.copy_with(host=str(address))
    return httpx.Request(request.method, url, headers=request.headers, stream=request.stream, extensions=extensions)


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except OSError as error:
        raise httpx.ConnectError(f"{host} can't be resolved") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _read(response: httpx.Response) -> None:
    """Read a short answer, as sent, not decompressed; ignore the rest."""
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > _MOST_READ:
            return


def _complaint(status: int) -> str:
    return f"HTTP {status}" + (", a redirect, which is not followed" if 300 <= status < 400 else "")


def _words(error: Exception, timeout: float) -> str:
    match error:
        case httpx.ConnectTimeout():
            return "no connection in time"
        case TimeoutError() | httpx.TimeoutException():
            return f"no answer within {timeout:g} s"
        case httpx.ConnectError():
            return f"no connection: {error}"[:200]
        case _:
            return f"{type(error).__name__}: {error}"[:200]
