"""The outside world on this machine: an emulated midjourney-proxy server, a private Postgres, a private Redis.

The emulated server (`server.serve`) does NOT imitate: previews while a picture is made; several accounts; time limits;
`Show Details` beneath a shorten; the second row that a relay keeps of an answered window. Its pictures and films are
drawings, made here from the prompt and from the pictures that were sent.
"""
