"""age files (age-encryption.org/v1): the only module that knows `pyrage`."""

import pyrage

from celltrail.errors import RefusedFault, UsageFault

_MAGIC = b"age-encryption.org/v1\n"
_SCRYPT = b"-> scrypt "


def new_secret() -> str:
    """A new identity, AGE-SECRET-KEY-1..."""
    return str(pyrage.x25519.Identity.generate())


def recipient_of(secret: str) -> str:
    """The public half of an identity, age1...; ValueError when it is none."""
    try:
        return str(pyrage.x25519.Identity.from_str(secret).to_public())
    except pyrage.IdentityError as error:
        raise ValueError("not an age identity") from error


def checked_recipient(text: str) -> str:
    """The recipient itself; UsageFault when it is none."""
    try:
        return str(pyrage.x25519.Recipient.from_str(text))
    except pyrage.RecipientError as error:
        raise UsageFault(
            f"{text!r} is not an age recipient (age1...); it is on the other site's `celltrail keys show`"
        ) from error


def seal_to(data: bytes, recipient: str) -> bytes:
    """An age file for one recipient and nobody else."""
    sealed: bytes = pyrage.encrypt(data, [pyrage.x25519.Recipient.from_str(recipient)])
    return sealed


def open_with(data: bytes, secret: str, where: str) -> bytes:
    """The content; UsageFault when the file is none or damaged, RefusedFault when it is for somebody else."""
    _require_age(data, where)
    if _is_for_passphrase(data):
        raise UsageFault(f"{where}: is closed with a passphrase; is it a backup for `celltrail keys restore`?")
    try:
        opened: bytes = pyrage.decrypt(data, [pyrage.x25519.Identity.from_str(secret)])
    except pyrage.DecryptError as error:
        if "No matching keys" in str(error):
            raise RefusedFault(
                f"{where}: is for somebody else; ask for one to {recipient_of(secret)}, this key store's recipient"
            ) from None
        raise _damaged(where) from None
    return opened


def seal_with_passphrase(data: bytes, passphrase: str) -> bytes:
    """An age file under a passphrase."""
    sealed: bytes = pyrage.passphrase.encrypt(data, passphrase)
    return sealed


def open_with_passphrase(data: bytes, passphrase: str, where: str) -> bytes:
    """The content; UsageFault when the file is none or damaged, RefusedFault for a wrong passphrase."""
    _require_age(data, where)
    if not _is_for_passphrase(data):
        raise UsageFault(f"{where}: is closed for a recipient, not with a passphrase; `celltrail keys import` opens it")
    try:
        opened: bytes = pyrage.passphrase.decrypt(data, passphrase)
    except pyrage.DecryptError as error:
        if "Decryption failed" in str(error):
            raise RefusedFault(f"{where}: the passphrase is wrong, or the file's head is damaged") from None
        raise _damaged(where) from None
    return opened


def _require_age(data: bytes, where: str) -> None:
    if not data.startswith(_MAGIC):
        raise UsageFault(f"{where}: is not an age file")


def _is_for_passphrase(data: bytes) -> bool:
    return data[len(_MAGIC) :].startswith(_SCRYPT)


def _damaged(where: str) -> UsageFault:
    return UsageFault(f"{where}: is damaged or cut off; ask for it again")
