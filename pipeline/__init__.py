"""From a manifest to pictures on disk: each paid for once, none lost.

The map. Files here are verbs and words, folders are places:

    manifest  plan  dispatch  submit  track  follow_up  deliver     the flow, in order
    task  backoff  errors  settings                                 the words
    wiring                                                          settings -> runtime, the one place that builds
    api/      the remote service as we call it
    store/    Postgres, where the truth is
    worker/   Celery, the doorbell
    report/   what happened, for people
    sandbox/  the outside world on this machine: emulated API, private Postgres, private Redis
    cli/      the command line

Imports run one way: cli, worker -> wiring and stages -> api, store -> words. `tests/test_architecture.py` walks them.
"""
