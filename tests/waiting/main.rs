//! Many tasks on few connections of PostgreSQL: each task creates one row after the other, through a pool.
//!
//! `LBACK_TEST_POSTGRES_URL=.. lback-waiting [ROWS]` prints a table, and `lback-waiting bridge [ROWS]` another:
//! what lback costs over connections of diesel-async. `tests/waiting/measure` builds and runs it.
//!
//! The same statements everywhere: BEGIN, INSERT .. RETURNING, COMMIT. The rivals take turns, in rounds, and of
//! each the round with the most rows in a second is printed.

mod rival;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection, QueryableByName};

use self::rival::{BRIDGE, DIESEL, DIESEL_ASYNC, LBACK, Rival};

/// What a round came to.
struct Figures {
    threads: usize,
    rows_a_second: f64,
    half: Duration,
    ninety_nine: Duration,
    /// Of processor time, for each row.
    client: Duration,
    server: Duration,
}

fn main() {
    let url = std::env::var("LBACK_TEST_POSTGRES_URL").expect("LBACK_TEST_POSTGRES_URL is set");
    let mut arguments = std::env::args().skip(1).peekable();
    let is_bridge = arguments.next_if_eq("bridge").is_some();
    let rows = arguments
        .next()
        .map_or(8_000, |rows| rows.parse().expect("a number"));
    let mut admin = PgConnection::establish(&url).expect("the server answers");
    let schema = format!("waiting_{}", std::process::id());
    admin
        .batch_execute(&format!(
            "CREATE SCHEMA {schema}; CREATE TABLE {schema}.letters \
             (id BIGSERIAL PRIMARY KEY, address TEXT NOT NULL, body TEXT NOT NULL)"
        ))
        .expect("the user may create schemas");
    let mut bench = Bench {
        url: &format!("{url}?options=-csearch_path%3D{schema}&application_name={schema}"),
        application: &schema,
        admin: &mut admin,
    };
    if is_bridge {
        bench.print_bridge(rows);
    } else {
        bench.print_waiting(rows);
    }
    admin
        .batch_execute(&format!("DROP SCHEMA {schema} CASCADE"))
        .expect("it is ours");
}

/// The server, and a table on it.
struct Bench<'a> {
    url: &'a str,
    /// By which the server knows the connections that are measured.
    application: &'a str,
    admin: &'a mut PgConnection,
}

impl Bench<'_> {
    fn print_waiting(&mut self, rows: u64) {
        println!(
            "| tasks | connections | | threads | rows a second | p50 | p99 | client, a row | server, a row |"
        );
        println!("|--:|--:|---|--:|--:|--:|--:|--:|--:|");
        for tasks in [64, 512] {
            for connections in [8, 16] {
                let rivals = [LBACK, DIESEL, DIESEL_ASYNC];
                for (name, it) in self.best_of(3, &rivals, tasks, connections, rows) {
                    println!(
                        "| {tasks} | {connections} | {name} | {} | {:.0} | {:.1?} | {:.1?} | {:.0?} | {:.0?} |",
                        it.threads, it.rows_a_second, it.half, it.ninety_nine, it.client, it.server,
                    );
                }
            }
        }
    }

    fn print_bridge(&mut self, rows: u64) {
        println!("| tasks | connections | | rows a second | p50 | client, a row | server, a row |");
        println!("|--:|--:|---|--:|--:|--:|--:|");
        for (tasks, connections) in [(1, 1), (64, 8)] {
            let rivals = [LBACK, BRIDGE, DIESEL, DIESEL_ASYNC];
            for (name, it) in self.best_of(5, &rivals, tasks, connections, rows) {
                println!(
                    "| {tasks} | {connections} | {name} | {:.0} | {:.1?} | {:.0?} | {:.0?} |",
                    it.rows_a_second, it.half, it.client, it.server,
                );
            }
        }
    }

    /// The round of each rival with the most rows in a second.
    fn best_of<'n>(
        &mut self,
        rounds: usize,
        rivals: &[&'n str],
        tasks: usize,
        connections: u32,
        rows: u64,
    ) -> Vec<(&'n str, Figures)> {
        let mut best: Vec<Option<Figures>> = rivals.iter().map(|_| None).collect();
        for round in 0..rounds {
            for turn in 0..rivals.len() {
                let rival = (turn + round) % rivals.len();
                let figures = measure(self, rivals[rival], tasks, connections, rows);
                let is_better = best[rival]
                    .as_ref()
                    .is_none_or(|best| best.rows_a_second < figures.rows_a_second);
                if is_better {
                    best[rival] = Some(figures);
                }
            }
        }
        let measured = best.into_iter().map(|it| it.expect("it was measured"));
        rivals.iter().copied().zip(measured).collect()
    }
}

fn measure(
    bench: &mut Bench<'_>,
    name: &str,
    tasks: usize,
    connections: u32,
    rows: u64,
) -> Figures {
    let Bench {
        url,
        application,
        admin,
    } = bench;
    let before = settle();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let inside = runtime.enter();
    let rival = Rival::of(name, url, connections);
    drop(inside);
    // Connections are made, and statements prepared, before.
    runtime.block_on(async {
        let all: Vec<_> = (0..tasks)
            .map(|_| {
                let rival = rival.clone();
                tokio::spawn(async move { rival.create().await })
            })
            .collect();
        for task in all {
            task.await.expect("no panic");
        }
    });

    let most = Arc::new(AtomicUsize::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let watcher = std::thread::spawn({
        let (most, is_over) = (Arc::clone(&most), Arc::clone(&is_over));
        move || {
            while !is_over.load(Ordering::Relaxed) {
                most.fetch_max(threads(), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    });
    let (client, server) = (processor_time("self"), server_time(application, admin));
    let begun = Instant::now();
    let left = Arc::new(AtomicU64::new(rows));
    let mut waits = runtime.block_on(async {
        let all: Vec<_> = (0..tasks)
            .map(|_| {
                let (rival, left) = (rival.clone(), Arc::clone(&left));
                tokio::spawn(async move {
                    let mut waits = Vec::new();
                    let take = |left: u64| left.checked_sub(1);
                    while left
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                        .is_ok()
                    {
                        let begun = Instant::now();
                        rival.create().await;
                        waits.push(begun.elapsed());
                    }
                    waits
                })
            })
            .collect();
        let mut waits = Vec::new();
        for task in all {
            waits.extend(task.await.expect("no panic"));
        }
        waits
    });
    let took = begun.elapsed();
    let client = processor_time("self") - client;
    let server = server_time(application, admin) - server;
    is_over.store(true, Ordering::Relaxed);
    watcher.join().expect("no panic");
    drop(rival);
    drop(runtime);

    waits.sort_unstable();
    let each = |time: Duration| time.div_f64(rows as f64);
    Figures {
        // The main thread is in those before, and the one that counts is not.
        threads: most.load(Ordering::Relaxed).saturating_sub(before),
        rows_a_second: rows as f64 / took.as_secs_f64(),
        half: waits[waits.len() / 2],
        ninety_nine: waits[waits.len() * 99 / 100],
        client: each(client),
        server: each(server),
    }
}

/// Threads of the round before take a moment to end. How many there are then.
fn settle() -> usize {
    loop {
        let before = threads();
        std::thread::sleep(Duration::from_millis(200));
        if threads() == before {
            return before;
        }
    }
}

/// How many threads this process has.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

/// Of a process, so far; hundredths of a second is how the kernel tells it.
fn processor_time(process: &str) -> Duration {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{process}/stat")) else {
        return Duration::ZERO;
    };
    let behind_the_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = behind_the_name.split_whitespace().collect();
    let ticks = |field: usize| {
        fields
            .get(field)
            .and_then(|it| it.parse::<u64>().ok())
            .unwrap_or(0)
    };
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

/// Of the server's processes for our connections, where it runs on this machine.
fn server_time(application: &str, admin: &mut PgConnection) -> Duration {
    #[derive(QueryableByName)]
    struct Process {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        pid: i32,
    }
    let query = "SELECT pid FROM pg_stat_activity WHERE application_name = $1";
    let query = diesel::sql_query(query).bind::<diesel::sql_types::Text, _>(application);
    let all: Vec<Process> = diesel::RunQueryDsl::load(query, admin).expect("the server answers");
    all.iter()
        .map(|it| processor_time(&it.pid.to_string()))
        .sum()
}
