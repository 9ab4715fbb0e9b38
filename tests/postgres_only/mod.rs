//! What only PostgreSQL can show.

mod a_deferred_constraint_fails_at_commit;
mod a_delete_needs_no_right_to_update;
mod a_listener_blocks_no_row_that_refers_to_its_row;
mod a_lost_answer_is_unknown;
mod a_pool_recovers_after_a_migration;
mod a_row_that_another_deletes_meanwhile_is_not_deleted_twice;
mod a_row_that_the_database_does_not_write_is_an_error_that_says_so;
mod a_serialization_failure_can_be_retried;
mod a_statement_that_finds_no_row_may_have_written;
mod an_aborted_transaction_is_no_success;
mod expressions_of_one_text_may_bind_other_types;
mod now_fits_a_column_with_a_time_zone;
mod what_a_change_checks_holds_under_serializable;

// `listen` is of libpq alone; and tokio-postgres prepares every statement under a name, which PgBouncer's
// transaction mode does not serve.
over_libpq! {
    mod a_worker_hears_of_the_commits_of_others;
    mod without_prepared_statements_pgbouncer_serves;
}
