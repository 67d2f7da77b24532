"""Put the firmware into the wheel as `celltrail/_firmware`, one folder that MicroPython can run from."""

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDERS = {
    "firmware": "celltrail/_firmware",
    "protocol/celltrail_protocol": "celltrail/_firmware/celltrail_protocol",
}


class FirmwareHook(BuildHookInterface):
    """Adds the folders to a standard wheel; an editable install uses the tree itself."""

    def initialize(self, version: str, build_data: dict[str, dict[str, str]]) -> None:
        """Extend the wheel's file list; `version` is "standard" or "editable"."""
        if version == "standard":
            build_data["force_include"].update(FOLDERS)
