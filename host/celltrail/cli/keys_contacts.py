"""`celltrail keys recipient` and `celltrail keys signer`: names for other sites' recipients and public keys."""

from collections.abc import Mapping
from typing import Annotated

import typer

from celltrail.cli.common import Json, Keys, print_json
from celltrail.keys import contacts
from celltrail.keys.keystore import KeyStore

_SIGNER_EPILOG = """\b
Examples:
  celltrail keys signer add koeln-lab 3d4017c3...       who read it out has a name from now on
  celltrail verify trip.trail --public-key koeln-lab    was it them, and has it not changed since?"""

recipients_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Named recipients of exported keys.")
signers_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, epilog=_SIGNER_EPILOG, help="Named signers of read-outs."
)

Name = Annotated[str, typer.Argument(help="What to call them: koeln-qc.")]


@recipients_app.command("add")
def recipient_add(
    name: Name,
    recipient: Annotated[str, typer.Argument(metavar="age1...", help="From their `celltrail keys show`.")],
    keys: Keys = None,
) -> None:
    """Give a recipient a name. Make sure by another way that it is theirs: call them."""
    contacts.add_recipient(KeyStore(keys), name, recipient)
    print(f"{name} is {recipient}")


@recipients_app.command("list")
def recipient_list(keys: Keys = None, json: Json = False) -> None:
    """List the recipients that have a name."""
    _list(
        contacts.recipients(KeyStore(keys)),
        json,
        "no recipient has a name yet; celltrail keys recipient add NAME age1...",
    )


@recipients_app.command("remove")
def recipient_remove(name: Name, keys: Keys = None) -> None:
    """Forget a recipient's name; what was given stays given."""
    contacts.remove_recipient(KeyStore(keys), name)
    print(f"{name} is no recipient any more")


@signers_app.command("add")
def signer_add(
    name: Name,
    public_key: Annotated[str, typer.Argument(metavar="HEX", help="The signing key of their `celltrail keys show`.")],
    keys: Keys = None,
) -> None:
    """Give a public key a name. Make sure by another way that it is theirs: call them."""
    contacts.add_signer(KeyStore(keys), name, public_key)
    print(f"read-outs signed by {public_key.strip().lower()} are {name}'s")


@signers_app.command("list")
def signer_list(keys: Keys = None, json: Json = False) -> None:
    """List the signers that have a name."""
    _list(contacts.signers(KeyStore(keys)), json, "no signer has a name yet; celltrail keys signer add NAME HEX")


@signers_app.command("remove")
def signer_remove(name: Name, keys: Keys = None) -> None:
    """Forget a signer's name; their read-outs stay as they are."""
    contacts.remove_signer(KeyStore(keys), name)
    print(f"{name} is no signer any more")


def _list(known: Mapping[str, str], json: bool, none: str) -> None:
    if json:
        print_json(dict(known))
    else:
        print("\n".join(f"{name}  {one}" for name, one in known.items()) or none)
