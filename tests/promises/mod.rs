//! One file a promise.

mod a_veto_leaves_nothing;
