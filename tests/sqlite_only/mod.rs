//! What only SQLite can show.

mod a_database_that_cannot_be_used_says_why;
mod a_failed_commit_forgets_all_effects;
mod a_pool_of_a_private_database_has_one_connection;
mod an_unknown_outcome_runs_no_effect;
mod the_peers_database_opens_as_it_is;
