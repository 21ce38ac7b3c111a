"""Reports: what happened in a week or a month, each figure asked of the room that measured it, and said to be missing where none did."""
