"""The network itself, in torch. Enter at `CLIP`; needs the extra `sightline[torch]`."""

from importlib.util import find_spec

from sightline.errors import RuntimeUnavailable

if find_spec("torch") is None:
    raise RuntimeUnavailable("the network needs torch, which is an extra: install sightline[torch]")

from sightline.model.clip import CLIP

__all__ = ["CLIP"]
