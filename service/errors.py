"""What can go wrong, as one tree. `service.rpc.status` maps it to gRPC codes.

AssayError
├── InvalidInput          a field breaks a limit: names field, problem and remedy
│   └── PolicyInvalid     a policy document is wrong: names line and key
├── Conflict              a request_id was used for another request
├── AlreadyExists         the name is taken
│   └── AppealExists      the decision is contested already
├── NotFound              nothing has that name: no post, unless a subclass says otherwise
│   ├── AppealNotFound    no such appeal
│   ├── CaseNotFound      no such case, or no such decision on one
│   ├── ClaimNotFound     no such claim
│   ├── PolicyNotFound    no such policy version
│   └── WebhookNotFound   no such endpoint or delivery
├── Outdated              someone else changed it meanwhile
├── NotDecided            the post is accepted and not decided yet
├── NotHeld               the case is not (or no longer) leased to this person
├── NotAllowed            this person may not do this
├── SignInRefused         wrong name or password, or the provider does not vouch for the person
├── Overloaded            too much load: retry after `retry_after` seconds
│   └── TooManyTries      too many sign-ins failed: likewise
├── DeadlineExceeded      no worker answered in time
└── Unavailable           a required part does not answer
    ├── StoreUnavailable  the record store
    ├── RedisUnavailable  cache or queue
    └── NoWorker          no worker with a loaded model
"""


class AssayError(Exception):
    """Root of the tree. Its text is meant for the caller."""


class InvalidInput(AssayError):
    """`field` (a dotted path such as `post.text`) is wrong: `problem` says how, `remedy` what to do."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}; {remedy}")
        self.field, self.problem, self.remedy = field, problem, remedy

    def at(self, prefix: str) -> "InvalidInput":
        """The same error with its field below `prefix`."""
        return InvalidInput(f"{prefix}.{self.field}" if self.field else prefix, self.problem, self.remedy)


class PolicyInvalid(InvalidInput):
    """A policy document is wrong at `line` (counted from 1; 0 when the whole is), key `field`."""

    def __init__(self, field: str, problem: str, remedy: str, line: int = 0) -> None:
        super().__init__(field, problem, remedy)
        self.line = line

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return f"{where}{self.field}: {self.problem}; {self.remedy}"


class Conflict(AssayError):
    """`request_id` was used before for a request with other posts."""


class AlreadyExists(AssayError):
    """The name of what was to be new is taken."""


class AppealExists(AlreadyExists):
    """The decision on a post is contested already, and can be only once."""


class NotFound(AssayError):
    """Nothing of that name was ever accepted or stored."""


class AppealNotFound(NotFound):
    """No appeal of that name was opened."""


class CaseNotFound(NotFound):
    """No case of that name was opened, or no decision of that name was made."""


class ClaimNotFound(NotFound):
    """No claim of that name is in the store."""


class WebhookNotFound(NotFound):
    """No webhook endpoint, or none of its deliveries, has that name."""


class PolicyNotFound(NotFound):
    """No policy version of that name is in the store."""


class Outdated(AssayError):
    """What the caller saw has changed meanwhile, or is already as they want it."""


class NotDecided(AssayError):
    """The post is accepted, and its verdict is not there yet."""


class NotHeld(AssayError):
    """The case is not leased to this person: the lease ran out, or they never had it."""


class NotAllowed(AssayError):
    """The person's roles, or a rule such as the four-eyes rule, forbid it."""


class SignInRefused(AssayError):
    """The sign-in failed. The text is the same whether the name is known or not."""


class Overloaded(AssayError):
    """More work is waiting than the limit allows; retry in `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyTries(Overloaded):
    """Signing in failed too often for this name or from this address."""


class DeadlineExceeded(AssayError):
    """The verdict did not come within the call's deadline."""


class Unavailable(AssayError):
    """A part that this call needs does not answer; the same call may succeed later."""


class StoreUnavailable(Unavailable):
    """The record store does not answer."""


class RedisUnavailable(Unavailable):
    """Redis does not answer."""


class NoWorker(Unavailable):
    """No worker with a loaded model is known."""
