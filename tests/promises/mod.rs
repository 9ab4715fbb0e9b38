//! One file a promise.

mod a_borrowed_connection_comes_back;
mod a_capture_holds_effects_back;
mod a_change_may_be_worked_out_by_the_database;
mod a_change_may_refuse_the_commit;
mod a_claim_looks_at_its_own_rows_alone;
mod a_connection_inside_a_transaction_is_refused;
mod a_connection_that_comes_back_inside_a_transaction_fails_no_later_session;
mod a_database_error_in_a_receiver_is_a_failure;
mod a_delivery_is_tried_again_until_it_is_a_dead_letter;
mod a_dropped_future_or_a_later_panic_loses_no_async_effect;
mod a_duplicate_names_its_constraint_and_only_real_columns;
mod a_durable_receiver_runs_for_what_lasts;
mod a_failing_effect_changes_nothing_for_the_caller;
mod a_failing_receiver_leaves_nothing;
mod a_failure_that_nobody_would_see_is_told_on_standard_error;
mod a_hammered_pool_loses_nothing_and_doubles_nothing;
mod a_hook_that_panics_costs_the_pool_no_connection;
mod a_key_may_have_several_columns;
mod a_long_queue_keeps_no_other_waiting;
mod a_missing_table_is_told_with_the_remedy;
mod a_muted_receiver_does_not_run;
mod a_panic_rolls_back_and_goes_on;
mod a_panic_where_nobody_expects_one_goes_no_further;
mod a_pool_for_tests_leaves_nothing;
mod a_pools_sessions_share_state_and_failure_handler;
mod a_pre_receiver_may_change_the_row_that_is_deleted;
mod a_raw_commit_or_rollback_is_reported;
mod a_receiver_may_do_without_a_state;
mod a_recording_tells_what_was_sent_and_what_ran;
mod a_rolled_back_savepoint_forgets_its_async_effects;
mod a_rolled_back_savepoint_forgets_its_changes;
mod a_rolled_back_savepoint_forgets_its_effects;
mod a_row_is_created_unless_it_is_there;
mod a_row_is_read_again_where_a_repository_wants_it;
mod a_row_is_there_or_not_found;
mod a_row_is_told_once_a_transaction;
mod a_row_that_cannot_be_read_is_named;
mod a_row_that_is_as_before_is_not_told;
mod a_row_that_is_gone_is_not_found_before_any_receiver;
mod a_session_gives_its_connection_back;
mod a_session_may_hear_a_registry_of_its_own;
mod a_session_prints_no_data;
mod a_session_that_ended_badly_does_not_go_back_into_its_pool;
mod a_signals_name_may_be_a_variables_too;
mod a_state_is_freed_when_it_is_hidden_for_good;
mod a_state_is_in_force_for_its_scope;
mod a_statement_about_one_row_writes_one_row;
mod a_statement_is_prepared_once;
mod a_test_transaction_does_not_count;
mod a_transaction_ends_as_its_closure_does;
mod a_transaction_that_is_not_ours_is_not_taken_for_it;
mod a_veto_is_found_inside_other_errors;
mod a_veto_leaves_nothing;
mod a_worker_delivers_until_it_is_stopped;
mod after_rollback_runs_for_what_did_not_last;
mod all_rows_of_a_transaction_are_stored_together;
mod an_async_effect_begins_after_its_own_commit;
mod an_async_effect_holds_no_connection;
mod an_async_effect_without_a_runtime_is_refused_before_anything_is_written;
mod an_async_receiver_is_delivered_to_by_its_worker;
mod an_effect_may_read_and_write;
mod an_effect_owns_what_it_saw;
mod an_effect_waits_for_the_outermost_commit;
mod an_error_repeats_no_value;
mod an_error_says_its_cause_once;
mod an_error_that_panics_is_an_error_all_the_same;
mod an_isolated_receiver_fails_alone;
mod an_operation_that_fails_after_its_statement_leaves_nothing;
mod an_update_of_a_stale_copy_is_refused;
mod an_update_without_changes_sends_only_the_pre_signal;
mod any_error_that_can_be_asked_is_retried;
mod any_model_has_a_repository;
mod any_tree_of_transactions_leaves_what_the_model_says;
mod arguments_are_injected_by_name_in_every_form;
mod async_effects_are_known_to_scopes_and_conditions;
mod async_effects_run_in_the_order_queued;
mod bad_input_is_refused_with_field_and_reason;
mod before_and_after_are_transitive;
mod bulk_operations_answer_as_single_ones_do;
mod bulk_writes_send_every_rows_signals;
mod bulk_writes_take_few_statements;
mod changes_are_remembered_up_to_a_bound;
mod changes_see_the_state_of_their_write;
mod changes_told_are_the_difference_of_the_table;
mod closures_may_wait_for_the_end_of_the_transaction;
mod diesel_asks_for_the_id_of_a_statement_once;
mod durable_receivers_of_every_kind_go_together;
mod each_receiver_is_a_span_for_tracing;
mod effects_of_effects_run_after_those_waiting;
mod effects_run_in_the_order_queued;
mod exactly_the_effects_of_what_lasts_run;
mod failures_of_async_effects_are_reported;
mod failures_that_nobody_saw_are_kept;
mod generations_are_counted_through_the_outbox;
mod generations_of_effects_are_bounded;
mod helpers_are_receivers_as_they_are;
mod instrumentation_that_panics_leaves_no_lie;
mod keys_that_cascade_are_listed;
mod loops_of_async_effects_are_bounded;
mod migrating_leaves_what_is_there;
mod names_are_compared_byte_for_byte;
mod one_receiver_may_listen_to_several_signals;
mod only_active_users_with_the_right_password_log_in;
mod operations_take_no_more_statements_than_they_need;
mod options_belong_to_the_outermost_transaction;
mod pre_receivers_change_what_is_stored;
mod prepared_statements_are_bounded;
mod receivers_nest_up_to_a_bound;
mod receivers_run_in_one_order_whatever_the_linker_did;
mod receivers_see_the_row_as_the_database_has_it;
mod receivers_that_trigger_themselves_are_bounded;
mod results_come_in_the_order_of_the_input;
mod rows_of_one_key_are_delivered_in_their_order;
mod scopes_belong_to_one_session;
mod scopes_end_with_their_closure;
mod secrets_are_nowhere_to_be_read;
mod secrets_of_any_model_are_masked;
mod signals_and_receivers_meet_across_crates;
mod the_listing_can_be_filtered;
mod the_outbox_holds_no_secret;
mod the_signal_of_changes_is_like_any_other;
mod the_words_of_an_error_decide_nothing;
mod transactions_nest_up_to_a_bound;
mod two_sessions_that_change_places_are_noticed;
mod users_are_found_by_what_identifies_them;
mod what_a_caller_hands_over_may_panic_when_it_is_dropped;
mod what_a_durable_receiver_writes_is_written_once;
mod what_a_receiver_does_to_other_rows_of_its_operation_is_seen;
mod what_cannot_be_stored_fails_the_commit;
mod what_is_done_behind_the_session_is_noticed;
mod what_is_not_understood_stays_in_the_outbox;
mod what_is_stored_comes_back_as_it_was;
mod what_receivers_of_changes_write_is_told_too;
mod what_triggers_do_behind_a_view_is_looked_at;
mod when_is_decided_when_the_signal_is_sent;
mod who_waits_for_a_connection_holds_no_thread;
mod whose_lease_is_over_finishes_nothing;
mod words_of_a_trigger_are_not_retried;
mod work_given_to_tokio_runs_to_its_end_once_begun;
mod writes_by_a_condition_send_every_rows_signals;

use crate::database::*;
use lback_tests::Trace;

/// A database, a session on it, and the trace in that session; `None` if there is no server.
pub(crate) fn traced() -> Option<(Database, Session, Trace)> {
    let database = Database::fresh()?;
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    Some((database, session, trace))
}

/// The users that are stored, in the order of their creation.
pub(crate) fn stored(session: &mut Session) -> Vec<String> {
    users::table
        .order(users::id)
        .select(users::username)
        .load(session.conn())
        .expect("the table is there")
}

/// Queues an after-commit effect that notes `what`.
pub(crate) fn later(session: &mut Session, trace: &Trace, what: &'static str) {
    let trace = trace.clone();
    session.on_commit(move |_session| trace.note(what));
}

/// A runtime of two threads.
pub(crate) fn asynchronous() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("threads can be made")
}

/// An error to roll back with.
pub(crate) fn refused() -> lback::Error {
    lback::Invalid::new("test", "this level is to be rolled back").into()
}

/// The message of the panic in `work`.
pub(crate) fn panic_of<T>(work: impl FnOnce() -> T) -> String {
    let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)) else {
        panic!("it did not panic");
    };
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
    }
}
