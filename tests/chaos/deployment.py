"""A deployment in separate processes, as in production, to be killed piece by piece."""

from pathlib import Path

from service.runtime.embedded_redis import EmbeddedRedis
from service.storage.migrate import upgrade
from tests.processes import Process


class Deployment:
    """Redis, a database, a front and a worker as separate processes, as in production."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.redis = EmbeddedRedis(directory / "redis")
        self.redis.start()
        self.database_url = f"sqlite:///{directory}/assay.db"
        upgrade(self.database_url)
        self._settings = {
            "ASSAY_REDIS_URL": self.redis.url,
            "ASSAY_DATABASE_URL": self.database_url,
            "ASSAY_ADDRESS": "127.0.0.1:0",
            "ASSAY_VISIBILITY_TIMEOUT": "3",
            "ASSAY_LEASE": "10",
            "ASSAY_LOCAL_CACHE": "0",  # what is answered must come from Redis, or from the store without it
            "ASSAY_LOG_LEVEL": "info",
        }
        self.front = self.start_front()
        self.worker = self.start_worker()

    def start_front(self) -> Process:
        front = Process("serve", **self._settings)
        port = front.wait_for(r'"port": (\d+)').group(1)
        self.address = f"127.0.0.1:{port}"
        self._settings["ASSAY_ADDRESS"] = self.address  # a restarted front listens where clients look for it
        return front

    def start_worker(self) -> Process:
        return Process("worker", **self._settings)

    def stop(self) -> None:
        for process in (self.front, self.worker):
            process.kill()
        self.redis.stop()
