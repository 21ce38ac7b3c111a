"""What went wrong on the way to a host by SSH, in words."""

import errno
import socket

from keepwell.kernel.quoting import quoted

from .ssh_address import SshAddress

_REASONS = {
    errno.ECONNREFUSED: "nobody listens there (connection refused)",
    errno.EHOSTUNREACH: "there is no way to it (no route to host)",
    errno.ENETUNREACH: "there is no way to it (network unreachable)",
    errno.ECONNRESET: "it closed the connection",
    errno.ETIMEDOUT: "no answer",
    errno.ENOENT: "the private key does not exist",
    errno.EACCES: "the private key may not be read by this user",
}
_LONGEST = 160


def sentence_for(error: Exception, address: SshAddress, seconds: float) -> str:
    """One clause for a failed connection."""
    import asyncssh

    if isinstance(error, TimeoutError):
        return f"no answer within {seconds:.3g} s"
    if isinstance(error, asyncssh.PermissionDenied):
        by = f"the key {address.identity}" if address.identity else "any key of the agent or of ~/.ssh"
        return f"it does not let {address.user} in by {by}"
    if isinstance(error, asyncssh.ConnectionLost):
        return "it closed the connection before a login"
    if isinstance(error, asyncssh.KeyImportError):
        locked = "passphrase" in str(error).lower()
        return f"the key {address.identity} {'needs a passphrase: load it into the agent' if locked else f'is unusable: {error}'}"
    if isinstance(error, socket.gaierror):
        return f"the name {address.host} cannot be resolved ({error.strerror})"
    if isinstance(error, OSError):
        return _REASONS.get(error.errno or 0, error.strerror or str(error))
    return quoted(str(error), _LONGEST)
