"""From a manifest to pictures on disk: each paid for once, none lost.

The map. Files here are verbs and words, folders are places:

    manifest  plan  dispatch  submit  doubt  cancel  track  follow_up  deliver    the flow, in order
    fire      what recurs: a schedule's fire times become batches
    action  inputs  then  task  fingerprint  outcome  terms  backoff  errors  log  settings     the words
    prompt/   a prompt made tidy, and its flags checked
    schedule/ when a batch recurs: fire times of a cron line in a time zone
    wiring    settings -> runtime, the one place that builds things
    api/      the remote service as we call it
    store/    Postgres, where the truth is
    worker/   Celery, the doorbell
    hooks/    what the remote service reports by itself
    report/   what happened, for people
    sandbox/  the outside world on this machine: emulated API, private Postgres, private Redis
    cli/      the command line

Imports run one way: cli, worker, hooks -> wiring and stages -> api, store -> words. A test walks them.
"""
