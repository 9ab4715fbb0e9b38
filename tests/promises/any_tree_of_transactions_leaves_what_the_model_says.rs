//! Whatever is nested in whatever, and however it ends: what is in the database afterwards is what
//! `lback_tests::model` says, and what happened on the way too.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::database::*;
use lback::BoxError;
use lback_tests::model::{
    Act, End, KINDS, Model, Node, Reaction, Row, Stop, Through, Write, changed_email, email, name,
    note, outcome, trees,
};
use lback_tests::{Trace, cheap_password, notes};

/// What the receivers of the write at hand do.
struct Script {
    pre: Act,
    post: Act,
}

/// What the planned panics carry. They are raised past the panic hook, which would print each.
struct Planned;

mod loud {
    use super::*;

    own_users!();

    #[receiver(user_pre_create, order = 1)]
    fn note_new(data: &NewUser, signal: &SignalInfo, conn: &mut Native) -> QueryResult<()> {
        lback_tests::note(conn, &note(signal.name(), &row_of_new(data)))
    }

    #[receiver(
        user_post_create,
        user_pre_update,
        user_post_update,
        user_pre_delete,
        user_post_delete,
        order = 1
    )]
    fn note_user(user: &User, signal: &SignalInfo, conn: &mut Native) -> QueryResult<()> {
        lback_tests::note(conn, &note(signal.name(), &row_of(user)))
    }

    #[receiver(user_pre_create, order = 2)]
    fn act_on_new(
        data: &mut NewUser,
        signal: &SignalInfo,
        session: &mut Session,
        #[state] script: &Script,
        #[state] trace: &Trace,
    ) -> Result<(), BoxError> {
        trace.note(note(signal.name(), &row_of_new(data)));
        change_new(data, &script.pre);
        act(session, &script.pre)
    }

    #[receiver(user_pre_update, order = 2)]
    fn act_on_changes(
        user: &User,
        update_data: &mut UserChanges,
        signal: &SignalInfo,
        session: &mut Session,
        #[state] script: &Script,
        #[state] trace: &Trace,
    ) -> Result<(), BoxError> {
        trace.note(note(signal.name(), &row_of(user)));
        change(user, update_data, &script.pre);
        act(session, &script.pre)
    }

    #[receiver(user_pre_delete, order = 2)]
    fn act_on_farewell(
        user: &User,
        signal: &SignalInfo,
        session: &mut Session,
        #[state] script: &Script,
        #[state] trace: &Trace,
    ) -> Result<(), BoxError> {
        trace.note(note(signal.name(), &row_of(user)));
        act(session, &script.pre)
    }

    #[receiver(user_post_create, user_post_update, user_post_delete, order = 2)]
    fn act_afterwards(
        user: &User,
        signal: &SignalInfo,
        session: &mut Session,
        #[state] script: &Script,
        #[state] trace: &Trace,
    ) -> Result<(), BoxError> {
        trace.note(note(signal.name(), &row_of(user)));
        act(session, &script.post)
    }
}

mod before {
    use super::*;

    own_users!();

    #[receiver(user_pre_create, order = 1)]
    fn note_new(data: &NewUser, signal: &SignalInfo, conn: &mut Native) -> QueryResult<()> {
        lback_tests::note(conn, &note(signal.name(), &row_of_new(data)))
    }

    #[receiver(user_pre_update, user_pre_delete, order = 1)]
    fn note_user(user: &User, signal: &SignalInfo, conn: &mut Native) -> QueryResult<()> {
        lback_tests::note(conn, &note(signal.name(), &row_of(user)))
    }

    #[receiver(user_pre_create, order = 2)]
    fn act_on_new(
        data: &mut NewUser,
        signal: &SignalInfo,
        session: &mut Session,
        #[state] script: &Script,
        #[state] trace: &Trace,
    ) -> Result<(), BoxError> {
        trace.note(note(signal.name(), &row_of_new(data)));
        change_new(data, &script.pre);
        act(session, &script.pre)
    }

    #[receiver(user_pre_update, order = 2)]
    fn act_on_changes(
        user: &User,
        update_data: &mut UserChanges,
        signal: &SignalInfo,
        session: &mut Session,
        #[state] script: &Script,
        #[state] trace: &Trace,
    ) -> Result<(), BoxError> {
        trace.note(note(signal.name(), &row_of(user)));
        change(user, update_data, &script.pre);
        act(session, &script.pre)
    }

    #[receiver(user_pre_delete, order = 2)]
    fn act_on_farewell(
        user: &User,
        signal: &SignalInfo,
        session: &mut Session,
        #[state] script: &Script,
        #[state] trace: &Trace,
    ) -> Result<(), BoxError> {
        trace.note(note(signal.name(), &row_of(user)));
        act(session, &script.pre)
    }
}

mod after {
    use super::*;

    own_users!();

    #[receiver(user_post_create, user_post_update, user_post_delete)]
    fn act_afterwards(
        user: &User,
        signal: &SignalInfo,
        session: &mut Session,
        #[state] script: &Script,
        #[state] trace: &Trace,
    ) -> Result<(), BoxError> {
        trace.note(note(signal.name(), &row_of(user)));
        act(session, &script.post)
    }
}

mod gate {
    use super::*;

    own_users!();

    #[receiver(user_pre_create)]
    fn act_on_new(
        data: &mut NewUser,
        signal: &SignalInfo,
        #[state] script: &Script,
        #[state] trace: &Trace,
    ) -> Result<(), BoxError> {
        trace.note(note(signal.name(), &row_of_new(data)));
        change_new(data, &script.pre);
        act_without_session(&script.pre)
    }

    #[receiver(user_pre_update)]
    fn act_on_changes(
        user: &User,
        update_data: &mut UserChanges,
        signal: &SignalInfo,
        #[state] script: &Script,
        #[state] trace: &Trace,
    ) -> Result<(), BoxError> {
        trace.note(note(signal.name(), &row_of(user)));
        change(user, update_data, &script.pre);
        act_without_session(&script.pre)
    }

    #[receiver(user_pre_delete)]
    fn act_on_farewell(
        user: &User,
        signal: &SignalInfo,
        #[state] script: &Script,
        #[state] trace: &Trace,
    ) -> Result<(), BoxError> {
        trace.note(note(signal.name(), &row_of(user)));
        act_without_session(&script.pre)
    }
}

mod silent {
    use super::*;

    own_users!();
}

fn row_of(user: &User) -> Row {
    Row {
        username: user.username.clone(),
        email: user.email.clone(),
    }
}

fn row_of_new(data: &NewUser) -> Row {
    Row {
        username: data.username.clone(),
        email: data.email.clone(),
    }
}

fn change_new(data: &mut NewUser, act: &Act) {
    if matches!(act, Act::Change) {
        data.email = changed_email(&data.username);
    }
}

fn change(user: &User, update_data: &mut UserChanges, act: &Act) {
    if matches!(act, Act::Change) {
        update_data.email = Some(changed_email(&user.username));
    }
}

fn act(session: &mut Session, act: &Act) -> Result<(), BoxError> {
    match act {
        Act::Run(nodes) => run(session, nodes).map_err(|error| match error {
            Failure::Framework(error) => error.into(),
            Failure::Own => "an error of the caller's own".into(),
        }),
        other => act_without_session(other),
    }
}

fn act_without_session(act: &Act) -> Result<(), BoxError> {
    match act {
        Act::Nothing | Act::Change | Act::Run(_) => Ok(()),
        Act::Veto => Err(Veto::new("planned").into()),
        Act::Fail => Err("planned".into()),
        Act::Panic => resume_unwind(Box::new(Planned)),
    }
}

/// What a tree's own code fails with.
enum Failure {
    Framework(lback::Error),
    Own,
}

impl From<lback::Error> for Failure {
    fn from(error: lback::Error) -> Self {
        Self::Framework(error)
    }
}

impl Failure {
    fn stop(&self) -> Stop {
        match self {
            Self::Own => Stop::Own,
            Self::Framework(lback::Error::Vetoed { .. }) => Stop::Vetoed,
            Self::Framework(lback::Error::ReceiverFailed { .. }) => Stop::ReceiverFailed,
            Self::Framework(lback::Error::Duplicate { .. }) => Stop::Duplicate,
            Self::Framework(lback::Error::NotFound { .. }) => Stop::NotFound,
            Self::Framework(lback::Error::Invalid(_)) => Stop::Invalid,
            Self::Framework(other) => panic!("the model knows no such error: {other:?}"),
        }
    }
}

fn run(session: &mut Session, nodes: &[Node]) -> Result<(), Failure> {
    nodes.iter().try_for_each(|node| run_node(session, node))
}

fn run_node(session: &mut Session, node: &Node) -> Result<(), Failure> {
    let (result, reaction) = match node {
        Node::Transaction {
            nodes,
            end,
            reaction,
        } => {
            let work = |session: &mut Session| {
                run(session, nodes)?;
                match end {
                    End::Ok => Ok(()),
                    End::Error => Err(Failure::Own),
                    End::Panic => resume_unwind(Box::new(Planned)),
                }
            };
            let result = catch_unwind(AssertUnwindSafe(|| session.transaction(work)));
            (result, reaction)
        }
        Node::Write {
            through,
            write,
            pre,
            post,
            reaction,
        } => {
            let script = Script {
                pre: pre.clone(),
                post: post.clone(),
            };
            let result = catch_unwind(AssertUnwindSafe(|| {
                session
                    .with(script, |session| write_through(session, *through, write))
                    .map_err(Failure::from)
            }));
            (result, reaction)
        }
    };
    let seen = match &result {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) => Err(failure.stop()),
        Err(panic) if panic.is::<Planned>() => Err(Stop::Panic),
        Err(_) => return result.unwrap_or_else(|panic| resume_unwind(panic)),
    };
    let trace = session.state::<Trace>().expect("every session has one");
    trace.note(outcome(seen));
    match reaction {
        Reaction::Swallow => Ok(()),
        Reaction::Pass => result.unwrap_or_else(|panic| resume_unwind(panic)),
    }
}

fn write_through(session: &mut Session, through: Through, write: &Write) -> lback::Result<()> {
    match through {
        Through::Loud => write_with(&loud::Users, session, write),
        Through::Before => write_with(&before::Users, session, write),
        Through::After => write_with(&after::Users, session, write),
        Through::Gate => write_with(&gate::Users, session, write),
        Through::Silent => write_with(&silent::Users, session, write),
    }
}

fn write_with<R>(users: &R, session: &mut Session, write: &Write) -> lback::Result<()>
where
    R: Repository<Connection = Native, Entity = User, Insert = NewUser>
        + lback::Updates<Update = UserChanges>,
{
    let id_of = |session: &mut Session, who: u8| {
        let found = UserRepository::new().find_by_username(session, &name(who))?;
        lback::Result::Ok(found.map_or(UserId::from(-1), |user| user.id))
    };
    match write {
        Write::Create(who, number) => {
            let username = name(*who);
            let address = email(&username, *number);
            let new = NewUser::with_password(username, address, password());
            guarded(session, |session| users.create(session, new))
        }
        Write::Update {
            who,
            rename,
            email: number,
        } => {
            let id = id_of(session, *who)?;
            let changes = UserChanges {
                username: rename.map(name),
                email: number.map(|number| email(&name(*who), number)),
                ..UserChanges::default()
            };
            guarded(session, |session| users.update(session, id, changes))
        }
        Write::Delete(who) => {
            let id = id_of(session, *who)?;
            users.delete(session, id)
        }
    }
}

/// On PostgreSQL a transaction survives a duplicate only behind a savepoint.
fn guarded(
    session: &mut Session,
    work: impl FnOnce(&mut Session) -> lback::Result<User>,
) -> lback::Result<()> {
    if NAME == "PostgreSQL" {
        return session.transaction(work).map(drop);
    }
    work(session).map(drop)
}

fn password() -> Password {
    static ONE: std::sync::OnceLock<Password> = std::sync::OnceLock::new();
    ONE.get_or_init(cheap_password).clone()
}

fn model() -> Model {
    if NAME == "SQLite" {
        return Model::with_reused_keys();
    }
    Model::with_fresh_keys()
}

/// Runs a tree on an empty database and on the model.
fn compare(session: &mut Session, tree: &[Node]) -> Result<Model, TestCaseError> {
    for table in ["users", "notes"] {
        diesel::sql_query(format!("DELETE FROM {table}"))
            .execute(session.conn())
            .expect("the table is there");
    }
    let trace = session.state::<Trace>().cloned();
    let trace = trace.expect("every session has one");
    trace.take();

    let mut model = model();
    let expected = model.run(tree);
    let happened = match catch_unwind(AssertUnwindSafe(|| run(session, tree))) {
        Ok(result) => result.map_err(|failure| failure.stop()),
        Err(panic) if panic.is::<Planned>() => Err(Stop::Panic),
        Err(panic) => resume_unwind(panic),
    };

    proptest::prop_assert_eq!(trace.take(), model.log.clone(), "what happened");
    proptest::prop_assert_eq!(happened, expected, "how it ended");
    proptest::prop_assert!(!session.in_transaction(), "a transaction was left open");
    let rows: Vec<(String, String)> = users::table
        .order(users::id)
        .select((users::username, users::email))
        .load(session.conn())
        .expect("the table is there");
    let expected_rows: Vec<_> = model
        .stored
        .users
        .values()
        .map(|row| (row.username.clone(), row.email.clone()))
        .collect();
    proptest::prop_assert_eq!(rows, expected_rows, "the users that are left");
    proptest::prop_assert_eq!(
        &notes(session),
        &model.stored.notes,
        "the notes that are left"
    );
    Ok(model)
}

/// 500 trees unless `PROPTEST_CASES` says otherwise.
fn runner() -> TestRunner {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(500);
    TestRunner::new(Config {
        cases,
        max_shrink_iters: 20_000,
        failure_persistence: None,
        ..Config::default()
    })
}

/// A generator of deep trees needs more stack than a test's thread has.
fn with_a_large_stack(test: fn()) {
    let thread = std::thread::Builder::new()
        .stack_size(256 << 20)
        .spawn(test);
    let ended = thread.expect("a thread can be started").join();
    ended.unwrap_or_else(|panic| resume_unwind(panic));
}

#[test]
fn in_a_session() {
    with_a_large_stack(compare_in_a_session);
}

#[test]
fn in_a_test_transaction() {
    with_a_large_stack(compare_in_a_test_transaction);
}

fn compare_in_a_session() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let session = RefCell::new(database.hasty_session().with_state(Trace::new()));
    let (deep, all) = (Cell::new(0), Cell::new(0));
    let seen = RefCell::new(BTreeMap::<&str, u32>::new());

    runner()
        .run(&trees(), |tree| {
            let model = compare(&mut session.borrow_mut(), &tree)?;
            all.set(all.get() + 1);
            deep.set(deep.get() + u32::from(model.deepest >= 5));
            for kind in model.kinds {
                *seen.borrow_mut().entry(kind).or_default() += 1;
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));

    // Trees that leave half of the code out prove half as much.
    let (seen, all, deep) = (seen.into_inner(), all.get(), deep.get());
    println!("{all} trees, {deep} of them five levels deep or deeper; {seen:#?}");
    for kind in KINDS {
        let share = seen.get(kind).copied().unwrap_or_default() * 100 / all;
        assert!(
            share >= 5,
            "`{kind}` was reached in {share} % of {all} trees"
        );
    }
    assert!(deep * 5 >= all * 2, "only {deep} of {all} trees are deep");
}

fn compare_in_a_test_transaction() {
    let Some(database) = Database::fresh() else {
        return;
    };
    let session = Session::for_test(database.connection()).expect("outside of transactions");
    let session = RefCell::new(session.with_state(Trace::new()));

    runner()
        .run(&trees(), |tree| {
            compare(&mut session.borrow_mut(), &tree).map(drop)
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
}
