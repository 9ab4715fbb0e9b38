//! Among the receivers whose predecessors are all placed, the least by (`order`, `id`) runs next.

use crate::database::*;
use lback_tests::{Trace, new_user};

/// The trace of one `create` through the module's `Users`.
macro_rules! trace_of_create {
    () => {{
        let Some(database) = Database::fresh() else {
            return;
        };
        let trace = Trace::new();
        let mut session = database.session().with_state(trace.clone());
        Users
            .create(&mut session, new_user("ada"))
            .expect("nothing refuses it");
        trace.take()
    }};
}

/// Declares receivers that note their own names.
macro_rules! listening {
    ($($name:ident($($options:tt)*);)*) => {
        $(
            #[receiver($($options)*)]
            fn $name(#[state] trace: &Trace) {
                trace.note(stringify!($name));
            }
        )*
    };
}

mod the_vector_of_the_contract {
    use super::*;

    own_users!();

    listening! {
        x(user_pre_create, order = 5, before = y);
        y(user_pre_create, order = -10);
        z(user_pre_create, order = 0);
    }

    #[test]
    fn is_z_x_y() {
        assert_eq!(trace_of_create!(), ["z", "x", "y"]);
    }
}

mod without_neighbours {
    use super::*;

    own_users!();

    listening! {
        c(user_pre_create);
        last(user_pre_create, order = 2_147_483_647);
        a(user_pre_create);
        first(user_pre_create, order = -2_147_483_648);
        d(user_pre_create, id = "a comes before its own module");
        b(user_pre_create, order = 0);
        early(user_pre_create, order = -1);
        late(user_pre_create, order = 1);
    }

    #[test]
    fn order_counts_and_then_the_id() {
        assert_eq!(
            trace_of_create!(),
            ["first", "early", "d", "a", "b", "c", "late", "last"]
        );
    }
}

mod in_a_chain {
    use super::*;

    own_users!();

    listening! {
        a(user_pre_create, after = b);
        b(user_pre_create, after = c);
        c(user_pre_create, after = d);
        d(user_pre_create, order = 100);
        e(user_pre_create, order = 50);
        f(user_pre_create, order = 200, before = d);
    }

    #[test]
    fn neighbours_are_transitive_and_outweigh_order() {
        assert_eq!(trace_of_create!(), ["e", "f", "d", "c", "b", "a"]);
    }
}

mod with_several_neighbours {
    use super::*;

    own_users!();

    listening! {
        a(user_pre_create, after = c, after = b);
        b(user_pre_create, order = 2);
        c(user_pre_create, order = 1, before = b, before = d);
        d(user_pre_create, order = -1);
    }

    #[test]
    fn all_of_them_count() {
        assert_eq!(trace_of_create!(), ["c", "d", "b", "a"]);
    }
}

mod behind_other_paths {
    use super::*;

    own_users!();

    mod far {
        mod away {
            use super::super::*;

            #[receiver(user_pre_create, order = 9)]
            pub(in super::super) fn a(#[state] trace: &Trace) {
                trace.note("a");
            }
        }
        pub(super) use away::a as renamed;
    }

    listening! {
        b(user_pre_create, after = far::renamed, order = -9);
        c(user_pre_create, after = self::b);
    }

    #[test]
    fn a_neighbour_is_the_function_and_not_its_name() {
        assert_eq!(trace_of_create!(), ["a", "b", "c"]);
    }
}

mod of_another_signal {
    use super::*;

    own_users!();

    listening! {
        a(user_pre_create, after = elsewhere);
        b(user_pre_create, order = -1);
        elsewhere(user_post_create, order = -5);
    }

    #[test]
    fn a_neighbour_is_no_error_and_no_predecessor() {
        assert_eq!(trace_of_create!(), ["b", "a", "elsewhere"]);
    }
}

mod of_several_signals {
    use super::*;

    own_users!();

    #[receiver(user_pre_create, user_post_create, after = b)]
    fn a(#[state] trace: &Trace, signal: &SignalInfo) {
        trace.note(format!("a of {signal}"));
    }

    #[receiver(user_pre_create, user_post_create, order = 3)]
    fn b(#[state] trace: &Trace, signal: &SignalInfo) {
        trace.note(format!("b of {signal}"));
    }

    #[test]
    fn one_function_keeps_its_place_in_each() {
        assert_eq!(
            trace_of_create!(),
            [
                "b of user_pre_create",
                "a of user_pre_create",
                "b of user_post_create",
                "a of user_post_create"
            ]
        );
    }
}

mod of_several_phases {
    use super::*;

    own_users!();

    listening! {
        a(user_post_create, after_commit, before = b);
        b(user_post_create, order = 1);
        c(user_post_create, after_commit, order = -1);
        d(user_post_create, order = -1);
        e(user_post_create, after_commit, before = c);
    }

    #[test]
    fn each_phase_has_its_own_order() {
        assert_eq!(trace_of_create!(), ["d", "b", "a", "e", "c"]);
    }
}

mod seen {
    use super::the_vector_of_the_contract::user_pre_create as vector;
    use lback::Signal;

    #[test]
    fn the_listing_has_the_order_in_which_they_run() {
        let listeners = lback::receivers().expect("the registry is in order");
        let listed: Vec<_> = listeners
            .iter()
            .filter(|listener| listener.signal == vector::INFO)
            .collect();
        let seen: Vec<_> = listed
            .iter()
            .map(|listener| (listener.id.rsplit("::").next(), listener.order))
            .collect();
        assert_eq!(seen, [(Some("z"), 0), (Some("x"), 5), (Some("y"), -10)]);
        for listener in listed {
            assert!(listener.place.file.ends_with(".rs"), "{}", listener.place);
            let table = listeners.to_string();
            let row = table.lines().find(|line| line.contains(listener.id));
            let row = row.expect("every receiver has a row");
            for part in [
                listener.signal.to_string(),
                listener.order.to_string(),
                listener.place.to_string(),
            ] {
                assert!(row.contains(&part), "no `{part}` in: {row}");
            }
        }
    }
}
