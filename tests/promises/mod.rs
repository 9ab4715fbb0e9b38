//! One file a promise.

mod a_veto_leaves_nothing;
mod bulk_writes_send_every_rows_signals;
