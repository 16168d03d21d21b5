"""Where something is measured: processor, versions, and how busy it is. Enter at `this_machine`."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

BUSY = 0.5  # load a core: with more of it, figures are low
PACKAGES = ("sightline", "onnxruntime", "torch", "openvino", "numpy", "pillow")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine as it is now."""

    processor: str
    cores: int
    system: str
    load: float | None  # processes that wanted to run in the last minute; None where nobody tells
    versions: dict[str, str]

    @property
    def is_busy(self) -> bool:
        """Whether others take so much of it that figures are low."""
        return self.load is not None and self.load > BUSY * self.cores


def this_machine() -> Machine:
    """Look at the machine that this runs on."""
    return Machine(
        processor=_processor(Path("/proc/cpuinfo")),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        load=round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        versions=_versions(PACKAGES),
    )


def _processor(described: Path) -> str:
    """Return the processor's name; Linux has it in a file of its own."""
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of what is installed."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
