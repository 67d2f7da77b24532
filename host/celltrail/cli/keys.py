"""`celltrail keys`: what this computer's key store holds, and how keys reach another site and another disk."""

from pathlib import Path
from typing import Annotated

import typer

from celltrail.cli.common import (
    Device,
    Json,
    Keys,
    Operator,
    Yes,
    checked_operator,
    confirm,
    print_json,
    say,
    with_session,
)
from celltrail.cli.keys_contacts import recipients_app, signers_app
from celltrail.cli.passphrase import ask_for
from celltrail.errors import RefusedFault, UsageFault
from celltrail.evidence.verify import load_checked
from celltrail.files import check_target
from celltrail.keys import backup as backups
from celltrail.keys import bundle, contacts
from celltrail.keys.entries import TripEntry
from celltrail.keys.keystore import KeyStore
from celltrail.keys.read_outs import note_read_out
from celltrail.link.session import Session
from celltrail.operate import rotation
from celltrail.operate.commands import require_key
from celltrail.views.keys_text import import_lines, keys_json, keys_lines

_EPILOG = """\b
Examples:
  celltrail keys show                                   who this computer is
  celltrail keys recipient add koeln-qc age1...         whom it gives keys to
  celltrail keys signer add koeln-lab 3d4017c3...       whose read-outs it knows
  celltrail keys export trip.trail --to koeln-qc -o trip.age
  celltrail keys import trip.age                        at the other site
  celltrail keys backup -o keys.age
  celltrail keys rotate -d serial:///dev/ttyACM0        a new device key"""
_EXPORT_EPILOG = """\b
Examples:
  celltrail keys export trip.trail --to koeln-qc -o trip.age
  celltrail keys export CT-3F2A91-7 --to age1... -o trip.age

\b
The file opens for that recipient and for nobody else. It holds the trip's key
and its arm receipt. Whoever has a trip's key could forge a read-out of it, so
one must have been verified here first."""

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog=_EPILOG,
    help="Show, give away, take in, back up and rotate keys.",
)
app.add_typer(recipients_app, name="recipient")
app.add_typer(signers_app, name="signer")

Output = Annotated[Path, typer.Option("--output", "-o", metavar="OUT.age", help="The file to write.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an existing file.")]
PassphraseFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The passphrase is this file's first line. [default: ask]")
]


@app.command()
def show(keys: Keys = None, json: Json = False) -> None:
    """Show who this computer is, and which keys it holds; no secrets. Makes its recipient at first use."""
    store = KeyStore(keys)
    if json:
        print_json(keys_json(store))
    else:
        print("\n".join(keys_lines(store)))


@app.command(epilog=_EXPORT_EPILOG)
def export(
    trip: Annotated[str, typer.Argument(metavar="TRIP|FILE", help="7, CT-3F2A91-7, or a .trail file.")],
    to: Annotated[str, typer.Option(metavar="NAME|age1...", help="For whom.")],
    output: Output,
    before_read_out: Annotated[
        bool, typer.Option("--before-read-out", help="Although no read-out was verified here yet.")
    ] = False,
    device_key: Annotated[
        bool, typer.Option("--device-key", help="And the logger's device key: the power to command it.")
    ] = False,
    force: Force = False,
    yes: Yes = False,
    operator: Operator = "",
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Give a trip's key and receipt to one recipient, as an age file."""
    store = KeyStore(keys)
    store.require()
    _check_output(output, force)
    entry, recipient = _trip_of(store, trip), contacts.find_recipient(store, to)
    called = recipient[0] or recipient[1]
    if device_key:
        confirm(f"Whoever has the device key can arm, stop and erase the logger. Give it to {called}?", yes)
    bundle.export_trip(
        store,
        entry,
        recipient,
        output,
        operator=checked_operator(operator),
        before_read_out=before_read_out,
        device_key=device_key,
        replace=force,
    )
    if json:
        words = {"file": str(output), "trip": entry.called, "to": recipient[1], "name": recipient[0]}
        print_json(words | {"device_key": device_key})
    else:
        print(f"{output}: the key of {entry.called}{' and its device key' if device_key else ''}, for {called} only")


def _check_output(path: Path, force: bool) -> None:
    """Before anything is asked or remembered."""
    check_target(path)
    if path.exists() and not force:
        raise UsageFault(f"{path}: exists already; name another file with -o, or replace it with --force")
    if not path.absolute().parent.is_dir():
        raise UsageFault(f"{path}: there is no such folder")


def _trip_of(store: KeyStore, text: str) -> TripEntry:
    """The trip that is named, or that a read-out is of; the read-out is verified and remembered."""
    path = Path(text)
    if not (path.suffix == ".trail" or path.is_file()):
        return bundle.find_trip(store, text)
    checked = load_checked(path, store)
    record, verdict = checked.record, checked.verdict
    entry = store.trip(record.uid, record.trip)
    if entry is None:
        raise UsageFault(f"{path}: the key store {store.folder} doesn't hold this trip's key; its site can export it")
    if not verdict.intact:
        raise RefusedFault(
            f"{path}: {verdict.word}; see `celltrail verify`. --before-read-out goes with the trip's name"
        )
    note_read_out(store, record.uid, record.trip, path, verdict.word)
    return store.trip(record.uid, record.trip) or entry


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A bundle that another site has exported to this one.")],
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Take in a trip's key that another site has exported to this one."""
    done = bundle.import_bundle(KeyStore(keys), file)
    trip, maker = done.bundle.trip, done.bundle.maker
    if json:
        made_by = {"operator": maker.operator, "recipient": maker.recipient, "signing_key": maker.signing_key}
        parts = {"new_trip": done.new_trip, "device_key": done.bundle.device is not None}
        print_json({"trip": trip.called, "made_utc": maker.utc, "maker": made_by} | parts)
        return
    print("\n".join(import_lines(done)))


@app.command()
def backup(
    output: Output,
    passphrase_file: PassphraseFile = None,
    force: Force = False,
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Write the whole key store into one file under a passphrase."""
    store = KeyStore(keys)
    store.require()
    _check_output(output, force)
    count = backups.back_up(store, output, ask_for(passphrase_file, twice=True), replace=force)
    if json:
        print_json({"file": str(output), "entries": count})
    else:
        print(f"{output}: {count} entries of {store.folder}; who has the passphrase has all keys")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    passphrase_file: PassphraseFile = None,
    replace: Annotated[bool, typer.Option("--replace", help="Set other keys that are here aside.")] = False,
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Bring a backup's keys back; what is here already stays."""
    store = KeyStore(keys)
    done = backups.restore(store, file, ask_for(passphrase_file, twice=False), replace=replace)
    if json:
        print_json({"keys": str(store.folder), "new": done.new, "same": done.same, "replaced": done.replaced})
        return
    print(f"{store.folder}: {done.new} entries are new, {done.same} were there already")
    for name in done.replaced:
        print(f"  replaced {name}; the one of before lies beside it")


@app.command()
def rotate(
    device: Device = None,
    operator: Operator = "",
    yes: Yes = False,
    keys: Keys = None,
    json: Json = False,
) -> None:
    """Give a logger a new device key. A rotation that was cut short is finished first."""
    store, code = KeyStore(keys), checked_operator(operator)

    async def work(session: Session) -> tuple[str, bool]:
        require_key(session, store)
        confirm(f"Give {session.status.called} a new device key? Copies of the old one become useless", yes)
        return session.status.called, await rotation.rotate(session, store, code)

    called, fresh = with_session(device, work)
    if json:
        print_json({"name": called, "rotated": True, "finished_earlier": not fresh, "keys": str(store.folder)})
        return
    print(f"{called} has a new device key" + ("" if fresh else ": the rotation that was cut short had arrived"))
    say("Make a new backup, and export the key again to sites that may command it (keys export --device-key).")
