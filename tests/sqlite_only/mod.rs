//! What only SQLite can show.

mod the_peers_database_opens_as_it_is;
