"""OpenCLIP's configs as specs and back. Enter at `openclip_spec` and `openclip_settings`."""

from sightline.checkpoints.openclip.config import OpenClip, refuse_unreadable
from sightline.checkpoints.openclip.settings import openclip_settings, openclip_table
from sightline.checkpoints.openclip.spec import openclip_spec

__all__ = ["OpenClip", "openclip_settings", "openclip_spec", "openclip_table", "refuse_unreadable"]
