"""An OpenID Connect provider through Authlib: authorization code with PKCE, `state` and `nonce`, a checked ID token.

The provider's metadata is read at the first sign-in and kept; its keys are read again when a token
names an unknown one.
"""

from collections.abc import Mapping
from typing import Any

import httpx2  # Authlib's HTTP client
from authlib.integrations.base_client import OAuthError
from authlib.integrations.starlette_client import StarletteOAuth2App
from joserfc.errors import JoseError

from service.errors import InvalidInput, SignInRefused, Unavailable
from service.people.person import MAX_NAME, Subject
from service.people.roles import Role

_KEPT = ("state", "nonce", "code_verifier")
_TIMEOUT = 10.0
_SCOPE = "openid email profile"


class OpenIdProvider:
    """`people.ports.Provider`. `role_of` maps the values of `role_claim` to roles; empty: they are our own names."""

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        client_secret: str,
        name_claim: str = "email",
        role_claim: str = "roles",
        role_of: Mapping[str, Role] | None = None,
    ) -> None:
        if not client_id:
            raise InvalidInput("dashboard_oidc_client_id", "is empty", "set it to the id that the provider gave")
        self._issuer = issuer.rstrip("/")
        self._name_claim, self._role_claim = name_claim, role_claim
        self._role_of = role_of or {role.value: role for role in Role}
        self._client = StarletteOAuth2App(
            None,
            name="assay",
            client_id=client_id,
            client_secret=client_secret or None,
            server_metadata_url=f"{self._issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": _SCOPE, "code_challenge_method": "S256", "timeout": _TIMEOUT},
        )

    async def begin(self, redirect_uri: str) -> tuple[str, Mapping[str, str]]:
        """See `people.ports.Provider.begin`."""
        try:
            made = await self._client.create_authorization_url(redirect_uri)
        except (httpx2.HTTPError, ValueError, RuntimeError) as error:
            raise Unavailable("the OpenID provider's answer is not valid") from error
        return made["url"], {name: made[name] for name in _KEPT}

    async def finish(self, kept: Mapping[str, str], code: str) -> Subject:
        """See `people.ports.Provider.finish`."""
        try:
            token = await self._client.fetch_access_token(
                redirect_uri=kept["redirect_uri"], code=code, code_verifier=kept["code_verifier"], state=kept["state"]
            )
            claims = await self._client.parse_id_token(token, nonce=kept["nonce"])
        except httpx2.HTTPError as error:
            raise Unavailable("the OpenID provider does not answer") from error
        except (OAuthError, JoseError, ValueError, KeyError, RuntimeError) as error:
            raise SignInRefused("The OpenID provider did not vouch for you; try again.") from error
        if not claims or claims["iss"].rstrip("/") != self._issuer:
            raise SignInRefused("The OpenID provider did not vouch for you; try again.")
        return self._subject(claims)

    def _subject(self, claims: Mapping[str, Any]) -> Subject:
        roles = frozenset(self._role_of[value] for value in _values(claims, self._role_claim) if value in self._role_of)
        if not roles:
            raise SignInRefused("Your account has no role here. Ask whoever manages your organisation's accounts.")
        name = str(claims.get(self._name_claim) or claims["sub"])
        printable = "".join(letter for letter in name if letter.isprintable()).strip()[: MAX_NAME - 20]
        return Subject(issuer=self._issuer, subject=str(claims["sub"]), name=printable or "somebody", roles=roles)


def parsed_roles(words: str) -> dict[str, Role]:
    """The mapping in `trust-team=moderator,trust-leads=lead`. Raises `InvalidInput`."""
    found: dict[str, Role] = {}
    for pair in filter(None, (part.strip() for part in words.split(","))):
        value, equals, role = pair.rpartition("=")
        if not equals or role.strip() not in set(Role):
            raise InvalidInput(
                "dashboard_oidc_roles", f"has {pair!r}", f"write VALUE=ROLE, with a role of {', '.join(Role)}"
            )
        found[value.strip()] = Role(role.strip())
    return found


def _values(claims: Mapping[str, Any], path: str) -> list[str]:
    """The texts at a dotted path: a list, or one text with spaces between."""
    value: Any = claims
    if path in claims:  # a claim's own name may have dots, such as that of a URL
        value = claims[path]
    else:
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return value.split()
    return [str(each) for each in value] if isinstance(value, list) else []
