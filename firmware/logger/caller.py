"""Who is asking: one link, and the connection that is open on it."""

from celltrail_protocol import smp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logger.prover import Prover


class Caller:
    """`chunk`: content bytes of a download's answer; `proven`: whether this connection has proven a command."""

    def __init__(self, prover: "Prover") -> None:
        self.prover = prover
        self.chunk = smp.CHUNK
        self.proven = False

    def forget(self) -> None:
        """The connection has ended: its challenges are void; a pause after wrong proofs goes on."""
        self.prover.forget()
        self.proven = False
