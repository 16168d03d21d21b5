"""Figures as if they had been measured, for tests that only show them."""

from sightline.measure import Engine, Figures, Machine, Report, Unavailable
from sightline.measure.figures import Latency

MACHINE = Machine(
    processor="Abacus 2",
    cores=2,
    system="Linux",
    load=0.4,
    versions={"sightline": "0.1.0", "numpy": "2.0.0"},
)


def figures(name: str, speed: float) -> Figures:
    """Return figures of an engine that is so many times as fast as the first."""
    return Figures(
        engine=Engine(name, "float32"),
        description=f"{name} on the cpu",
        open_s=0.5,
        images_per_s={1: 10.0 * speed, 16: 20.0 * speed},
        texts_per_s={1: 100.0 * speed, 16: 400.0 * speed},
        picture=Latency(50.0, 70.0),
        text=Latency(5.0, 7.0),
        files_per_s={"640 × 480": 10.0 * speed},
        peak_mb=100.0,
        rounds=5,
    )


def report() -> Report:
    """Return two engines that ran and one that did not."""
    return Report(
        machine=MACHINE,
        fingerprint="f" * 64,
        embed_dim=256,
        weights_bytes=23_000_000,
        engines=(
            figures("first", 1.0),
            figures("second", 2.0),
            Unavailable(Engine("third", "int8"), "third needs an extra"),
        ),
    )
