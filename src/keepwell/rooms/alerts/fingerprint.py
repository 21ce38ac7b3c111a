"""The number by which the same alert is known again: Prometheus' fingerprint of a set of labels."""

from .model import Labels

_OFFSET, _PRIME, _MASK = 14695981039346656037, 1099511628211, 2**64 - 1


def fingerprint(labels: Labels) -> str:
    """16 hexadecimal digits: FNV-1a of 64 bits over each name and value in the order of the names, each followed by 0xff.

    As prometheus/common computes it (model/signature.go, labelSetToFingerprint), so that amtool and Alertmanager name an alert alike.
    """
    sums = _OFFSET
    for name in sorted(labels):
        for byte in b"%b\xff%b\xff" % (name.encode("utf-8", "surrogatepass"), labels[name].encode("utf-8", "surrogatepass")):
            sums = ((sums ^ byte) * _PRIME) & _MASK
    return f"{sums:016x}"
