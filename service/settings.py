"""Settings, read from the environment (`ASSAY_*`) at entry points only; all other modules get values."""

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
    policy: Path | None = Field(None, description="Policy file. Empty: the shipped default.")
    claim_encoder: Path | None = Field(
        None, description="Sentence-transformers directory to find claims by. Empty: the bundle's own encoder."
    )
    certificate: Path | None = Field(None, description="What rules may act on. Empty: that in the bundle, if any.")
    timeline: Path | None = Field(None, description="Weighing of an author's posts. Empty: the shipped starter's.")

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

    visibility_timeout: float = Field(60.0, gt=0, description="When Redis hands an unacknowledged message out again.")
    lease: float = Field(180.0, gt=0, description="When the reconciler re-queues a post that is still undecided.")

    cluster_window: float = Field(86_400.0, ge=0, description="How long a cluster waits for its next text; 0: none.")
    surge_window: float = Field(600.0, gt=0, description="Time over which a claim's posts are counted.")
    surge_posts: int = Field(100, ge=1, description="Posts that must repeat a claim before it can surge.")
    surge_share: float = Field(0.05, ge=0, le=1, description="Share of all posts that a surging claim has at least.")

    author_key: SecretStr = Field(SecretStr(""), description="Keys the pseudonyms of authors that feeds name.")
    webhook_address: str = Field(
        "",
        pattern=r"^(.+:\d{1,5})?$",  # HOST:PORT
        description="Where the HTTP receiver of Meta-style webhooks listens; empty: off.",
    )
    webhook_verify_token: SecretStr = Field(SecretStr(""), description="The token that Meta's handshake must bring.")
    webhook_app_secret: SecretStr = Field(SecretStr(""), description="The app secret that signs webhook bodies.")
    webhook_platform: str = Field("facebook", description="Platform name of posts that come by webhook.")

    @property
    def directory(self) -> Path:
        """The data directory, absolute."""
        return self.data_dir.expanduser().absolute()

    def resolved(self) -> "Settings":
        """The same with Redis and database named: where none is set, those of `assay up` in the data directory."""
        return self.model_copy(
            update={
                "redis_url": self.redis_url or f"unix://{self.directory}/redis/redis.sock",
                "database_url": self.database_url or f"sqlite:///{self.directory}/assay.db",
            }
        )


def reference() -> str:
    """Every setting with its default, as a Markdown table."""
    rows = ["| variable | default | what it does |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if isinstance(field.default, SecretStr) or field.default in ("", None) else f"`{field.default}`"
        rows.append(f"| `ASSAY_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)
