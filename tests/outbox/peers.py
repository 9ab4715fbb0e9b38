"""The same by two queues for Python on PostgreSQL: jobs that do nothing, until none is left.

    peers.py URL prints rows of a table. Best of three rounds, jobs that are there before the clock runs.
"""

import asyncio
import datetime
import os
import sys
import time

import asyncpg
import procrastinate
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode

SCHEMA = f"peers_{os.getpid()}"
BODY = b'{"letter": {"id": 1, "address": "ada@example.com", "body": "An ordinary letter of some sixty letters."}}'


async def pgqueuer(url, jobs, batch):
    connection = await asyncpg.connect(url, server_settings={"search_path": SCHEMA})
    driver = AsyncpgDriver(connection)
    await Queries(driver).enqueue(["letter"] * jobs, [BODY] * jobs, [0] * jobs)
    await connection.execute("ANALYZE")
    queue, done = PgQueuer(driver), 0

    @queue.entrypoint("letter")
    async def letter(job):
        nonlocal done
        done += 1

    begun = time.perf_counter()
    await queue.run(
        dequeue_timeout=datetime.timedelta(seconds=1), batch_size=batch, mode=QueueExecutionMode.drain
    )
    took = time.perf_counter() - begun
    assert done == jobs, (done, jobs)
    await connection.close()
    return jobs / took


async def by_procrastinate(url, jobs):
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=url, kwargs={"options": f"-c search_path={SCHEMA}"})
    )
    done = 0

    @app.task(name="letter")
    async def letter(body):
        nonlocal done
        done += 1

    async with app.open_async():
        await letter.batch_defer_async(*({"body": BODY.decode()} for _ in range(jobs)))
        begun = time.perf_counter()
        await app.run_worker_async(
            wait=False, concurrency=1, install_signal_handlers=False, delete_jobs="successful"
        )
        took = time.perf_counter() - begun
    assert done == jobs, (done, jobs)
    return jobs / took


async def main(url):
    admin = await asyncpg.connect(url)
    await admin.execute(f"CREATE SCHEMA {SCHEMA}")
    try:
        connection = await asyncpg.connect(url, server_settings={"search_path": SCHEMA})
        await Queries(AsyncpgDriver(connection)).install()
        await connection.close()
        app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=url, kwargs={"options": f"-c search_path={SCHEMA}"})
        )
        async with app.open_async():
            await app.schema_manager.apply_schema_async()
        for batch in [32, 256]:
            best = max([await pgqueuer(url, 20_000, batch) for _ in range(3)])
            print(f"| pgqueuer, batches of {batch} | {best:.0f} | | |", flush=True)
        best = max([await by_procrastinate(url, 1_000) for _ in range(3)])
        print(f"| procrastinate | {best:.0f} | | |", flush=True)
    finally:
        await admin.execute(f"DROP SCHEMA {SCHEMA} CASCADE")


asyncio.run(main(sys.argv[1]))
