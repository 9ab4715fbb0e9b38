//! Fresh databases on a server.
