//! SQLite answers some of those who switch a new database to WAL at the same moment with "database
//! is locked", without waiting: `connect` waits instead.

use std::sync::Barrier;

#[test]
fn by_eight_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..100 {
        let file = folder.path().join(format!("{round}.db"));
        let file = file.to_str().expect("a path in UTF-8");
        let barrier = Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let session = lback::sqlite::connect(file).map(drop);
                    session.expect("it waits for its turn");
                });
            }
        });
    }
}
