"""Settings, read from the environment (`ASSAY_*`) at entry points only; all other modules get values passed in."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each field is set by `ASSAY_` + its name in capitals. Durations are seconds."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_", frozen=True, env_ignore_empty=True, protected_namespaces=())

    redis_url: str = Field("", description="Redis, redis:// or unix://. Empty: the embedded one of `assay up`.")
    database_url: str = Field("", description="postgresql:// or sqlite:// URL. Empty: SQLite in the data directory.")
    data_dir: Path = Field(Path("~/.local/share/assay"), description="Where `assay up` keeps SQLite and Redis files.")
    model: Path | None = Field(None, description="Bundle, or Llama-architecture directory. Empty: the shipped starter.")
    heads: Path | None = Field(None, description="Heads bundle for a plain Llama-architecture directory.")
    device: str = Field("cpu", description="Torch device of the worker: cpu, cuda, cuda:0, ...")
    threads: int = Field(1, ge=1, description="Torch threads per worker process.")
    policy: Path | None = Field(
        None, description="Policy file, live where no version was promoted. Empty: the shipped default."
    )
    policy_second_person: bool = Field(False, description="No one may promote a policy version that they made.")
    claim_encoder: Path | None = Field(
        None, description="Sentence-transformers directory to find claims by. Empty: the bundle's own encoder."
    )
    certificate: Path | None = Field(None, description="What rules may act on. Empty: that in the bundle, if any.")
    timeline: Path | None = Field(None, description="Weights for an author's posts. Empty: the bundle's, if any.")

    address: str = Field("127.0.0.1:50051", description="Where the gRPC server listens.")
    reflection: bool = Field(False, description="Serve gRPC reflection. `assay up` and the demo turn it on.")
    metrics_port: int = Field(0, ge=0, le=65535, description="Prometheus port of the service; 0: none.")
    worker_metrics_port: int = Field(0, ge=0, le=65535, description="Prometheus port of the worker; 0: none.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lowest level that is logged.")

    default_deadline: float = Field(10.0, gt=0, description="Deadline of a call that brings none.")
    batch_tokens: int = Field(512, ge=16, description="Token budget of one queue message (1024 suits int8 engines).")
    gather_window: float = Field(0.002, ge=0, le=1, description="How long the front gathers posts when workers idle.")
    batches_per_worker: int = Field(2, ge=1, description="Live batches in flight per worker.")
    max_waiting: int = Field(4096, ge=1, description="Posts waiting for a worker before calls are refused.")
    bulk_messages: int = Field(32, ge=1, description="Bulk messages kept in the queue; the rest waits in the store.")

    cache_ttl: float = Field(86_400.0, gt=0, description="How long Redis keeps judgements and verdicts.")
    cache_jitter: float = Field(0.1, ge=0, le=0.5, description="Share by which each time to live is varied.")
    local_cache: int = Field(100_000, ge=0, description="Entries of the in-process cache; 0: none.")
    local_ttl: float = Field(30.0, gt=0, description="How long the in-process cache keeps an entry.")
    record_hits: Literal["all", "flagged", "none"] = Field(
        "all", description="Which answers from the cache are recorded."
    )

    visibility_timeout: float = Field(60.0, gt=0, description="When Redis redelivers an unacknowledged message.")
    lease: float = Field(180.0, gt=0, description="When the dispatcher re-queues a post that is still undecided.")

    cluster_window: float = Field(86_400.0, ge=0, description="How long a cluster waits for its next text; 0: none.")
    surge_window: float = Field(600.0, gt=0, description="Time over which a claim's posts are counted.")
    surge_posts: int = Field(100, ge=1, description="Posts that must repeat a claim for it to surge.")
    surge_share: float = Field(0.05, ge=0, le=1, description="Least share of all posts that a surging claim has.")

    author_key: SecretStr = Field(SecretStr(""), description="Keys the pseudonyms of authors that feeds name.")
    webhook_address: str = Field(
        "",
        pattern=r"^(.+:\d{1,5})?$",  # HOST:PORT
        description="Where the HTTP receiver of Meta-style webhooks listens; empty: off.",
    )
    webhook_verify_token: SecretStr = Field(SecretStr(""), description="The token that Meta's handshake must bring.")
    webhook_app_secret: SecretStr = Field(SecretStr(""), description="The app secret that signs webhook bodies.")
    webhook_platform: str = Field("facebook", description="Platform name of posts that come by webhook.")
    webhook_allow_private: bool = Field(
        False, description="Send webhooks to addresses that are not of the public internet, and over plain http, too."
    )

    retain_allowed: int = Field(90, ge=0, description="Days that posts without objections are kept; 0: for ever.")
    retain_flagged: int = Field(365, ge=0, description="Days that other decided posts are kept; 0, or 184 and more.")
    retain_cases: int = Field(730, ge=0, description="Days that closed cases are kept; 0, or 184 and more.")
    retain_appeals: int = Field(730, ge=0, description="Days that decided appeals are kept; 0, or 184 and more.")
    retain_deliveries: int = Field(30, ge=0, description="Days that finished webhook events are kept.")
    retain_requests: int = Field(1, ge=0, description="Days that answers to repeated requests are kept.")
    retain_confirmations: int = Field(0, ge=0, description="Days that confirmations of matches are kept.")
    retain_audit: int = Field(0, ge=0, description="Days that the audit log is kept; 0: for ever.")
    retention_interval: float = Field(3600.0, gt=0, description="How often old records are deleted.")
    erase_settle: float = Field(12.0, ge=0, description="Pause between passes of an erasure, for work under way.")
    dsa_ground: str = Field(
        "Terms and conditions of the service",
        min_length=1,
        description="What statements of reasons name as the ground.",
    )
    dsa_terms_url: str = Field("", description="Where the terms are, for statements of reasons.")
    dsa_territory: str = Field("EU", description="Where restrictions hold, for statements: EU, EEA, or codes.")

    review_lease: float = Field(300.0, ge=10, le=3600, description="How long a moderator holds a case unextended.")
    review_undo: float = Field(600.0, ge=0, description="How long a moderator may take a decision back.")

    golden_every: int = Field(50, ge=0, description="Cases a moderator decides between golden ones; 0: none.")
    prevalence_share: float = Field(0.01, ge=0, le=1, description="Share of posts drawn for prevalence, at most.")
    prevalence_per_day: int = Field(200, ge=1, description="Posts drawn for prevalence a day, approximate maximum.")
    prevalence_flagged: float = Field(
        1.0, ge=1, description="How many times as often flagged posts are drawn; their weight is divided by it."
    )

    dashboard_address: str = Field(
        "127.0.0.1:8080",
        pattern=r"^(.+:\d{1,5}|off)$",
        description="Where the dashboard listens; off: `assay up` serves none.",
    )
    dashboard_url: str = Field("", description="The dashboard's URL for browsers, if it is behind a proxy.")
    dashboard_proxies: str = Field(
        "", description="Addresses of proxies, comma-separated, whose X-Forwarded-For and -Proto are trusted."
    )
    dashboard_session: float = Field(43_200.0, gt=0, description="How long a person stays signed in at most.")
    dashboard_idle: float = Field(3_600.0, gt=0, description="When a session that is not used ends.")
    dashboard_passwords: bool = Field(True, description="Local accounts may sign in with a password.")
    dashboard_oidc_issuer: str = Field("", description="OpenID Connect issuer URL; empty: local accounts only.")
    dashboard_oidc_client_id: str = Field("", description="The dashboard's client id at the provider.")
    dashboard_oidc_client_secret: SecretStr = Field(SecretStr(""), description="The client secret.")
    dashboard_oidc_name_claim: str = Field("email", description="The claim that names a person.")
    dashboard_oidc_role_claim: str = Field(
        "roles", description="The claim with roles or groups; dots go into nested ones (realm_access.roles)."
    )
    dashboard_oidc_roles: str = Field(
        "", description="What its values mean: trust-team=moderator,trust-leads=lead,... Empty: our own role names."
    )
    dashboard_break_after: int = Field(40, ge=0, description="Severe posts a moderator sees before a break; 0: none.")
    dashboard_break: float = Field(600.0, gt=0, description="How long such a break is.")

    shim_address: str = Field(
        "",
        pattern=r"^(off|.+:\d{1,5})?$",
        description="Where the Perspective and OpenAI shims listen. Empty: off, in `assay up` 127.0.0.1:8081 if free.",
    )
    shim_keys: SecretStr = Field(SecretStr(""), description="API keys for the shims, comma-separated. Empty: no keys.")
    shim_record: bool = Field(False, description="Record Perspective's comments, unless a call says doNotStore.")
    shim_platform: str = Field(
        "perspective", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Platform name of comments recorded that way."
    )
    shim_languages: str = Field("en", description="Languages of the bundle, comma-separated, by Perspective's names.")
    shim_drop_unsupported: bool = Field(
        False, description="Leave out attributes of Perspective that no signal answers, rather than refuse the call."
    )

    @property
    def directory(self) -> Path:
        """The data directory, absolute."""
        return self.data_dir.expanduser().absolute()

    def resolved(self) -> "Settings":
        """The same with Redis and database named: by default those of `assay up` in the data directory."""
        return self.model_copy(
            update={
                "redis_url": self.redis_url or f"unix://{self.directory}/redis/redis.sock",
                "database_url": self.database_url or f"sqlite:///{self.directory}/assay.db",
            }
        )
