"""`make bench`: how close to the ideal the pipeline keeps an account busy, and at what cost.

N imagines with U1-U4 against a sandbox with 64 slots; delivery of pictures off, every record in Postgres. The ideal
makespan is the larger of total service time over slots and the critical path; the clock runs from the moment when the
manifest is handed over until the last task has succeeded in the database. CPU and memory are those of our processes
(workers, beat, this client), read from /proc; Postgres, Redis and the sandbox are named apart.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from pipeline.cli.embedded import Place, place
from pipeline.cli.ready import ready_store
from pipeline.cli.run import hand_over, read_checked
from pipeline.sandbox.attach import Program, Status
from pipeline.settings import load
from pipeline.store.engine import Store
from pipeline.store.progress import progress_of

SLOTS = 64
QUEUE = 64
KEY = "bench"
OURS = ("worker", "deliver", "beat")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    imagines: int
    imagine_seconds: float
    upscale_seconds: float

    @property
    def tasks(self) -> int:
        return 5 * self.imagines

    @property
    def ideal(self) -> float:
        service = self.imagines * (self.imagine_seconds + 4 * self.upscale_seconds)
        return max(service / SLOTS, self.imagine_seconds + self.upscale_seconds)


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds, children included, and peak resident megabytes."""

    cpu: float
    memory: float

    @classmethod
    def of(cls, pid: int) -> Cost:
        """Of a process and of its living children, each of which has waited for its own."""
        peak = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
        family = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
        spent = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[11:15] for one in family]
        return cls(sum(sum(map(int, fields)) for fields in spent) / TICKS, int(peak.split()[1]) / 1024)


def main() -> None:
    long = bool(os.environ.get("LONG"))
    imagines = int(os.environ.get("N") or (200 if long else 2_000))
    job = Job(imagines=imagines, imagine_seconds=3.0 if long else 0.3, upscale_seconds=1.0 if long else 0.1)
    os.environ.update(PIPELINE_MAX_RUNNING=str(SLOTS), PIPELINE_MAX_QUEUED=str(QUEUE))
    with tempfile.TemporaryDirectory(prefix="pipeline-bench-") as folder:
        os.environ["PIPELINE_DATA_DIR"] = folder
        # A server that is named is polled, unless PIPELINE_HOOK_URL is set; its real address is known in a moment.
        with place(load(api_base_url="http://127.0.0.1:9", api_key=KEY)) as here:
            _run(here, job, Path(folder))


def _run(here: Place, job: Job, folder: Path) -> None:
    port = _bring_up_sandbox(here, job)
    os.environ.update(PIPELINE_API_BASE_URL=f"http://127.0.0.1:{port}", PIPELINE_API_KEY=KEY)
    here.settings = load(**(here.settings.model_dump() | {"api_base_url": f"http://127.0.0.1:{port}", "api_key": KEY}))
    store = ready_store(here.settings, migrate_first=True)
    here.start_work()
    _warm_up(here, store, folder)
    before, began = _costs(here), time.monotonic()
    batch_id = _finish(here, store, _manifest(folder, "bench", job.imagines))
    took, after = time.monotonic() - began, _costs(here)
    with store.begin() as tx:
        makespan = float(
            tx.scalar(
                "SELECT extract(epoch FROM max(t.updated_at) - b.created_at) FROM tasks t JOIN batches b "
                "ON b.id = t.batch_id WHERE b.id = :id AND t.state = 'succeeded' GROUP BY b.id",
                id=batch_id,
            )
        )
        done = int(tx.scalar("SELECT count(*) FROM tasks WHERE batch_id = :id AND state = 'succeeded'", id=batch_id))
    audit = json.loads(_get(f"http://127.0.0.1:{port}/sandbox/audit"))
    _report(job, done, makespan, before, after, audit)
    if done != job.tasks or audit["duplicates"]:
        sys.exit(f"{done} of {job.tasks} tasks succeeded, {len(audit['duplicates'])} sent twice, after {took:.1f} s")


def _bring_up_sandbox(here: Place, job: Job) -> int:
    port = here.services.port("bench-sandbox")
    options = ["--port", str(port), "--key", KEY, "--slots", str(SLOTS), "--queue", str(QUEUE)]
    options += ["--imagine-seconds", str(job.imagine_seconds), "--upscale-seconds", str(job.upscale_seconds)]
    argv = (sys.executable, "-m", "pipeline", "sandbox", *options)
    here.services.ensure(Program(name="bench-sandbox", argv=argv, ready=f"tcp:127.0.0.1:{port}"))
    return port


def _warm_up(here: Place, store: Store, folder: Path) -> None:
    """Until every worker has made its connections: a service that has been up for a minute is what is measured."""
    _finish(here, store, _manifest(folder, "warm-up", 40))
    request = urllib.request.Request(
        f"{here.settings.api_base_url}/sandbox/reset", method="POST", headers={"mj-api-secret": KEY}
    )
    urllib.request.urlopen(request).read()


def _manifest(folder: Path, name: str, rows: int) -> Path:
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("key", "prompt", "then"))
        writer.writerows((f"{name}-{row}", f"{name} picture number {row} --seed {row}", "U1-U4") for row in range(rows))
    return path


def _finish(here: Place, store: Store, path: Path) -> int:
    batch, _ = hand_over(store, here, read_checked(path, here.settings, lint=True), delivery=False)
    here.ring_read(batch)
    while True:
        with store.begin() as tx:
            if progress_of(tx, batch.id).over:
                return batch.id
        here.check_work()
        time.sleep(0.2)


def _costs(here: Place) -> dict[str, Cost]:
    running: tuple[Status, ...] = here.services.status()
    return {child.name: Cost.of(child.pid) for child in running if child.pid} | {"client": Cost.of(os.getpid())}


def _report(
    job: Job, done: int, makespan: float, before: dict[str, Cost], after: dict[str, Cost], audit: dict[str, object]
) -> None:
    requests = audit["requests"]
    assert isinstance(requests, dict)
    spent = {name: after[name].cpu - before[name].cpu for name in after}
    ours = [name for name in after if name.startswith(OURS) or name == "client"]
    cpu = 1000 * sum(spent[name] for name in ours) / job.tasks
    seconds = f"{job.imagine_seconds} s an imagine, {job.upscale_seconds} s an upscale"
    print(f"tasks              {done:,} of {job.tasks:,} ({seconds})")
    print(f"makespan           {makespan:.2f} s, ideal {job.ideal:.2f} s")
    print(f"ratio              {makespan / job.ideal:.3f}")
    print(f"requests per task  {sum(requests.values()) / job.tasks:.3f}")
    each = {name: f"{name} {1000 * spent[name] / job.tasks:.2f}" for name in after}
    print(f"CPU per task       {cpu:.2f} ms ({', '.join(each[name] for name in ours)})")
    print(f"not ours           {', '.join(each[name] for name in after if name not in ours)} ms")
    print(f"peak memory        {sum(after[name].memory for name in ours):.0f} MB in {len(ours)} processes")


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url) as reply:
        body: bytes = reply.read()
        return body


if __name__ == "__main__":
    main()
