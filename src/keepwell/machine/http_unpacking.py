"""Bodies that come packed (RFC 9110 section 8.4.1) are unpacked piece by piece, and never further than wanted."""

import zlib

_GZIP = 16 + zlib.MAX_WBITS
_MEMBER = b"\x1f\x8b"  # RFC 1952 section 2.3.1


def unpacker(encoding: str) -> "Unpacker | None":
    """What unpacks a body with that Content-Encoding; None where it is taken as it comes (nothing asked for another encoding)."""
    name = encoding.strip().lower()
    return Unpacker(is_gzip=name != "deflate") if name in ("gzip", "x-gzip", "deflate") else None


class Unpacker:
    """Unpacks one body."""

    def __init__(self, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._inflating: zlib._Decompress | None = None

    @property
    def is_done(self) -> bool:
        """Whether what came is whole; nothing at all is whole too."""
        return self._inflating is None or self._inflating.eof

    def unpack(self, data: bytes, into: bytearray, most: int) -> bool:
        """Appends what ``data`` unpacks to, until ``into`` has ``most`` bytes; False where it is not packed so."""
        while data and len(into) < most:
            if self._inflating is None:
                self._inflating = self._begun(data[0])
            elif self._inflating.eof:
                if not self._is_gzip or not data.startswith(_MEMBER[: len(data)]):
                    break  # padding behind the end
                self._inflating = zlib.decompressobj(_GZIP)
            try:
                into += self._inflating.decompress(data, most - len(into))
            except zlib.error:
                return False
            data = self._inflating.unused_data if self._inflating.eof else self._inflating.unconsumed_tail
        return True

    def _begun(self, first: int) -> "zlib._Decompress":
        if self._is_gzip:
            return zlib.decompressobj(_GZIP)
        # Many servers send the bare stream without the frame of zlib that "deflate" means; its first byte tells (RFC 1950 section 2.2).
        return zlib.decompressobj(zlib.MAX_WBITS if first & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS)
