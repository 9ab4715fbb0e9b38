//! Delivers what is left, and looks at all of it. Included for each database.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use super::database::*;
use super::program::{accounts, audit, receivers};
use crate::desk::Told;

/// Says what happened.
pub(crate) fn check(database: &Database, folder: &Path) -> String {
    let pool = receivers::open(&database.url(), folder, true);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build();
    let runtime = runtime.expect("it can be started");
    let session = pool.session().expect("the database is sound");
    let mut session = session.with_runtime(runtime.handle().clone());
    let (begun, mut rest) = (Instant::now(), 0);
    // The leases of the dead have to be over.
    while lback_tests::count("lback_outbox", &mut session) > 0 {
        let some = session.deliver_all().expect("the database is sound");
        assert_eq!((some.failed, some.dead), (0, 0), "{some:?}");
        rest += some.done;
        let depths = session.outbox().depths().expect("sound");
        assert!(begun.elapsed() < Duration::from_secs(120), "{depths:?}");
        std::thread::sleep(Duration::from_millis(100));
    }

    let stored: Vec<(String, i32)> = accounts::table
        .select((accounts::name, accounts::count))
        .load(session.conn())
        .expect("sound");
    let stored: BTreeMap<_, _> = stored.into_iter().collect();
    let names: BTreeSet<_> = stored.keys().cloned().collect();
    let lasts = |name: &String| name.starts_with("shared") || name.ends_with(".first");
    assert!(names.iter().all(lasts), "what was taken back is there");
    // The shared ones are there from the beginning.
    assert!(stored.len() >= 50, "too little happened");

    let told = Told::read(folder);
    for receiver in ["tell", "publish"] {
        same(receiver, &names, &by_account(&told.order, receiver));
    }
    let written: Vec<(String, String, i32)> = audit::table
        .select((audit::receiver, audit::name, audit::count))
        .order(audit::id)
        .load(session.conn())
        .expect("sound");
    let mut order: BTreeMap<_, Vec<i32>> = BTreeMap::new();
    for (receiver, name, count) in written {
        order.entry((receiver, name)).or_default().push(count);
    }
    let once = by_account(&order, "write");
    same("write", &names, &once);
    for (name, counts) in once {
        assert_eq!(counts.len(), 1, "{name} was written more than once");
    }

    let changed: BTreeMap<_, _> = stored.iter().filter(|(_, count)| **count > 0).collect();
    let changed_names = changed.keys().map(|&name| name.clone()).collect();
    for (receiver, order) in [("echo", &told.order), ("follow", &order)] {
        let got = by_account(order, receiver);
        same(receiver, &changed_names, &got);
        for (name, counts) in got {
            let all: Vec<_> = (1..=*changed[&name]).collect();
            assert!(counts == all, "{receiver}, {name}: {counts:?}");
        }
    }
    let changes: i32 = changed.into_values().sum();
    let rows = 3 * stored.len() + 2 * changes as usize;
    let (again, upcast) = (told.again, told.upcast);
    assert!(
        upcast > 0,
        "the newer program was given nothing of the older one"
    );
    format!(
        "of {rows} rows lost 0, unfounded 0, written twice 0, out of order 0, other ids 0; {again} told again, \
         {upcast} told by a newer program than wrote them, {rest} delivered at the end"
    )
}

/// Of one receiver, the counts in the order in which it got them.
fn by_account<'a>(
    order: &'a BTreeMap<(String, String), Vec<i32>>,
    receiver: &str,
) -> BTreeMap<String, &'a [i32]> {
    let own = order.iter().filter(|((of, _), _)| of == receiver);
    own.map(|((_, name), counts)| (name.clone(), &counts[..]))
        .collect()
}

fn same(receiver: &str, names: &BTreeSet<String>, got: &BTreeMap<String, &[i32]>) {
    let got: BTreeSet<_> = got.keys().cloned().collect();
    assert!(
        got == *names,
        "{receiver}: lost {:?}, unfounded {:?}",
        names.difference(&got).collect::<Vec<_>>(),
        got.difference(names).collect::<Vec<_>>()
    );
}
