"""What a container is made with: the options of the executor, and what a task has in their place."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from redun.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MODES = ("rw", "ro")

DEFAULT_VCPUS = 1
DEFAULT_MEMORY = 4
DEFAULT_MAX_WORKERS = 20
DEFAULT_MONITOR_INTERVAL = 0.2


class Volume(NamedTuple):
    """A file or folder of this machine, and where containers see it."""

    source: str
    target: str
    mode: str = "rw"


def parse_volumes(given: Iterable[Sequence[str]]) -> tuple[Volume, ...]:
    """Volumes as options give them: a list of pairs of paths, of which a third word `ro` makes one read-only.

    Raises `ConfigError`.
    """
    return tuple(_parse_volume(each) for each in given)


def _parse_volume(given: Sequence[str]) -> Volume:
    right = 'It should be a list of pairs, such as [["data", "/data"], ["/opt/models", "/models", "ro"]].'
    if isinstance(given, str) or len(given) not in (2, 3) or not all(isinstance(word, str) and word for word in given):
        raise ConfigError(f"volumes: {given!r} is not a pair of paths. {right}")
    volume = Volume(*given)
    if not volume.target.startswith("/"):
        raise ConfigError(f"volumes: {volume.target!r}, a path in the container, must begin with /. {right}")
    if volume.mode not in MODES:
        raise ConfigError(f"volumes: {volume.mode!r} must be one of {', '.join(MODES)}. {right}")
    return volume


@dataclass(frozen=True, slots=True)
class ContainerOptions:
    """What one container gets. `memory` and `shared_memory` are in GiB."""

    image: str
    vcpus: float | None = DEFAULT_VCPUS
    gpus: int = 0
    memory: float | None = DEFAULT_MEMORY
    shared_memory: float | None = None
    interactive: bool = False
    volumes: tuple[Volume, ...] = ()
    include_aws_env: bool = True

    def of_task(self, options: Mapping[str, Any]) -> ContainerOptions:
        """These options with those that a task gives. Its volumes are added.

        Raises `ConfigError` for volumes that are none.
        """
        own = {name: options[name] for name in _NAMES if options.get(name) is not None}
        if not own:
            return self
        if "volumes" in own:
            own["volumes"] = (*self.volumes, *parse_volumes(own["volumes"]))
        return replace(self, **own)

    def relative_to(self, folder: Path) -> ContainerOptions:
        """The same with absolute paths of volumes; those given are relative to a folder."""
        if not self.volumes:
            return self
        volumes = tuple(
            volume._replace(source=str(folder / Path(volume.source).expanduser())) for volume in self.volumes
        )
        return replace(self, volumes=volumes)

    def with_volume(self, volume: Volume) -> ContainerOptions:
        """The same with one more volume."""
        return replace(self, volumes=(*self.volumes, volume))


_NAMES = tuple(field.name for field in fields(ContainerOptions))
