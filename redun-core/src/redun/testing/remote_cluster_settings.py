"""The options of `redun.testing.remote_cluster.ClusterExecutor` in `redun.ini`."""

from __future__ import annotations

from pydantic import Field

from redun.remote.settings import RemoteSettings


class ClusterSettings(RemoteSettings):
    """An executor for a `LocalCluster`."""

    scratch: str = Field(description="The folder where arguments and results are exchanged.")
    socket: str = Field(description="Where the cluster listens.")
    working_folder: str | None = Field(None, description="The working directory of jobs.")
