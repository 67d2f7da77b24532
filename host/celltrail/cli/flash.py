"""`celltrail flash`."""

import asyncio
import json as json_text
from pathlib import Path
from typing import Annotated, Any

import typer

from celltrail.cli.common import Device, Discard, Json, print_json, say
from celltrail.errors import UsageFault
from celltrail.files import check_target, write_atomic
from celltrail.image import esptool, micropython_file
from celltrail.image.build import Image, build
from celltrail.image.targets import MICROPYTHON, TARGETS, Target, find_target
from celltrail.link.address import SERIAL, Address
from celltrail.link.discovery import likely_ports
from celltrail.operate import flashing

EPILOG = """\b
Examples:
  celltrail flash --board pico-w                   names the MicroPython file to fetch
  celltrail flash --board pico-w --micropython RPI_PICO_W-20260824-v1.29.0.uf2
  celltrail flash --board esp32-s3 --micropython ESP32_GENERIC_S3-20260824-v1.29.0.bin -d serial:///dev/ttyACM0
  celltrail flash --board pico-w --micropython RPI_PICO_W-20260824-v1.29.0.uf2 --dry-run -o logger.uf2

\b
What a logger has recorded, its name and its key outlive a new firmware; a running trip and unread data refuse it.
Docs: docs/hardware.md."""


def flash(
    board: Annotated[str, typer.Option(help=f"{', '.join(TARGETS)}.")],
    micropython: Annotated[
        Path | None, typer.Option(metavar="FILE", help="MicroPython's own file for this board.")
    ] = None,
    device: Device = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Keep the image, with its manifest.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build the image only, into -o FILE.")] = False,
    flash_size: Annotated[
        int | None,
        typer.Option(metavar="MB", min=2, max=128, help="Size of an ESP32's flash. [default: ask it; 4 in a dry run]"),
    ] = None,
    discard_unread: Discard = False,
    json: Json = False,
) -> None:
    """Make a bare board a logger: MicroPython and the firmware in one image, written and checked."""
    target = find_target(board)
    if micropython is None:
        raise UsageFault(f"{target.title} needs MicroPython {MICROPYTHON}: {micropython_file.how_to_get(target)}")
    if dry_run and output is None:
        raise UsageFault("say where the image is to go: --dry-run -o FILE")
    if output is not None:
        check_target(output)
        if output.resolve() == micropython.resolve():
            raise UsageFault(f"{output}: is the MicroPython file itself; name another one for the image")
    if dry_run:
        _keep(_build(target, micropython, flash_size), output, json)
        return
    port = flashing.named_port(device)
    ports = asyncio.run(flashing.look_around(discard_unread, port))
    if not target.is_uf2:
        esptool.require()
        port = port or flashing.only_port(ports)
        flash_size = flash_size or esptool.flash_bytes(port, target) >> 20
    image = _build(target, micropython, flash_size)
    if output is not None:
        _keep(image, output, json=False)
    _write(image, port)
    _tell_logger(image, port, json)


def _write(image: Image, port: str | None) -> None:
    if image.target.is_uf2:
        flashing.write_uf2(image, say)
    else:
        assert port is not None
        flashing.write_flash(image, port, say)


def _tell_logger(image: Image, port: str | None, json: bool) -> None:
    """Wait for the logger, and say who it is and what comes next."""
    say("waiting for the logger")
    candidates = likely_ports if port is None or image.target.is_uf2 else lambda: [Address(SERIAL, port)]
    address, status = asyncio.run(flashing.wait_for_logger(candidates, image.firmware_hash))
    if json:
        print_json({"address": str(address), "uid": status.uid, "name": status.name, **image.manifest()})
        return
    print(f"{status.called} at {address} runs the firmware that was written ({image.firmware_hash.hex()[:16]}...)")
    print("Next: celltrail wire FILE.toml, if its pins are not the default ones; then celltrail provision.")


def _keep(image: Image, output: Path | None, json: bool) -> None:
    assert output is not None
    write_atomic(output, image.data)
    manifest = manifest_path(output)
    write_atomic(manifest, (json_text.dumps(image.manifest(), indent=2) + "\n").encode())
    _tell(image, output, manifest, json)


def manifest_path(image: Path) -> Path:
    """Where the manifest of an image lies: beside it."""
    return image.with_name(image.name + ".json")


def _build(target: Target, micropython: Path, flash_mb: int | None) -> Image:
    found = micropython_file.load(micropython, target, None if flash_mb is None else flash_mb << 20)
    if not found.is_known:
        say(f"note: images are tested with MicroPython {MICROPYTHON}; this file is {found.version}")
    return build(target, found)


def _tell(image: Image, output: Path, manifest: Path, json: bool) -> None:
    told: dict[str, Any] = image.manifest()
    if json:
        print_json({"file": str(output), "manifest": str(manifest), **told})
        return
    print(f"{output}: {told['image']['bytes']:,} bytes for {image.target.title}, sha256 {told['image']['sha256']}")
    print(f"firmware {told['firmware_hash']}: {len(image.files)} files, listed in {manifest}")
    print(f"MicroPython {told['micropython']['version']}, sha256 {told['micropython']['sha256']}")
    if image.target.is_uf2:
        print(f"Hold the button BOOTSEL, plug the board in, and copy {output} to the drive RPI-RP2.")
    else:
        print(f"Write it: python -m esptool --chip {image.target.chip} write-flash 0x0 {output}")
