//! What only PostgreSQL can show.

mod a_deferred_constraint_fails_at_commit;
mod a_lost_answer_is_unknown;
mod a_serialization_failure_can_be_retried;
mod an_aborted_transaction_is_no_success;
