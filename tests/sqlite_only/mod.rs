//! What only SQLite can show.

mod a_database_that_cannot_be_used_says_why;
mod the_peers_database_opens_as_it_is;
