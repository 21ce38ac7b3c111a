"""The sound files of the laboratory: one tone to write, any to measure."""

import math
import struct
import wave
from pathlib import Path


def measure(file: Path) -> tuple[float, float]:
    """Length in seconds and peak level (0 to 1) of a 16 bit mono sound. Raises OSError, EOFError, wave.Error or ValueError."""
    with wave.open(str(file), "rb") as sound:
        if sound.getsampwidth() != 2:
            raise ValueError("the samples do not have 16 bits")
        frames = sound.readframes(sound.getnframes())
        samples = struct.unpack(f"<{len(frames) // 2}h", frames)
        return len(samples) / sound.getframerate(), max((abs(sample) for sample in samples), default=0) / 32768


def write_tone(file: Path, *, hertz: float = 440.0, seconds: float = 0.5, rate: int = 8000) -> None:
    """Writes a sine tone as 16 bit mono WAV."""
    count = int(seconds * rate)
    samples = (int(16000 * math.sin(2 * math.pi * hertz * index / rate)) for index in range(count))
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(struct.pack(f"<{count}h", *samples))
