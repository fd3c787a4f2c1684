"""The outside world on this machine: an emulated midjourney-proxy server, a private Postgres, a private Redis.

The emulated server (`server.serve`) does NOT imitate: blend, describe, shorten, modal and every button but U, V and R;
callbacks (`notifyHook` is only echoed); previews while a picture is made; reference pictures (`base64Array` is
ignored); several accounts; time limits; links that expire. Its pictures are drawings, made here from the prompt.
"""
