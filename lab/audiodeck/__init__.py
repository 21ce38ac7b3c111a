"""AudioDeck: a stand-in for the audio server of an operations manual, with its folders, its logs, its service manager and its faults.

What is played with it (weeks of operation, an hour of random faults, kills of Keepwell) stands beside it.
"""
