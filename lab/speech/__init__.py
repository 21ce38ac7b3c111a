"""A stand-in speech-to-text pair: an API service and a transcription service, over a real PostgreSQL and a real Redis.

The API takes sounds as jobs, the transcription service takes queued jobs one by one and writes what it heard: length and level. It hears
no words, and needs none: what is operated, watched and broken are the services, their queue, their database and their cache.
"""
