//! What a victim is told to do.

use std::path::Path;

#[cfg(feature = "mysql")]
use crate::mysql;
#[cfg(feature = "postgres")]
use crate::postgres;
use crate::sqlite;

/// Plays the part that the arguments name. Says whether they name one.
pub(crate) fn is_played(arguments: &[String]) -> bool {
    let [play, database, part, url, folder, run] = arguments else {
        return false;
    };
    if play != "play" {
        return false;
    }
    let run_on = match &**database {
        #[cfg(feature = "postgres")]
        "postgres" => postgres::run,
        #[cfg(feature = "mysql")]
        "mysql" => mysql::run,
        _ => sqlite::run,
    };
    run_on(part, url, Path::new(folder), run);
    true
}
