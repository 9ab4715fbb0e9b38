//! A pre receiver may write to rows of the operation that runs: delete the children of a row, or reorder its
//! siblings. Each row is then told as it stands, and what the receiver took away is told once.

use diesel::connection::SimpleConnection;
use lback::Error;
use lback_tests::Trace;

use crate::database::*;

diesel::table! {
    nodes (id) {
        id -> Integer,
        parent -> Integer,
        title -> VarChar,
    }
}

#[derive(Clone, Debug, PartialEq, Queryable, Selectable, Identifiable)]
#[diesel(table_name = nodes)]
pub struct Node {
    pub id: i32,
    pub parent: i32,
    pub title: String,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = nodes)]
pub struct NewNode {
    pub id: i32,
    pub parent: i32,
    pub title: String,
}

#[derive(Clone, Debug, Default, PartialEq, AsChangeset)]
#[diesel(table_name = nodes)]
pub struct NodeChanges {
    pub title: Option<String>,
}

impl Validate for NewNode {}

impl Validate for NodeChanges {}

own_repository!(Nodes: entity = Node, table = nodes, insert = NewNode, update = NodeChanges, given_key = id);

/// A cascade by hand.
#[receiver(node_pre_delete)]
fn delete_children(node: &Node, session: &mut Session) -> lback::Result<()> {
    Nodes.delete_where(session, nodes::parent.eq(node.id))?;
    Ok(())
}

#[receiver(node_pre_update)]
fn see_to_the_children(
    node: &Node,
    update_data: &NodeChanges,
    session: &mut Session,
    #[state] trace: &Trace,
) -> lback::Result<()> {
    trace.note(format!("pre {} {}", node.id, node.title));
    let of_it = nodes::parent.eq(node.id);
    match update_data.title.as_deref() {
        Some("spread") => {
            Nodes.update_where(session, of_it, retitled("inner"))?;
        }
        Some("by hand") => {
            diesel::update(nodes::table.filter(of_it))
                .set(nodes::title.eq("raw"))
                .execute(session.conn())?;
        }
        Some("own") => {
            Nodes.update(session, node.id, retitled("first"))?;
        }
        Some("prune") => {
            Nodes.delete_where(session, of_it)?;
        }
        Some("prune all") => {
            diesel::delete(nodes::table.filter(nodes::id.gt(1))).execute(session.conn())?;
        }
        _ => {}
    }
    Ok(())
}

#[receiver(node_post_update)]
fn updated(node: &Node, previous: &Node, #[state] trace: &Trace) {
    trace.note(format!("{} {}->{}", node.id, previous.title, node.title));
}

#[receiver(node_post_delete)]
fn deleted(node: &Node, #[state] trace: &Trace) {
    trace.note(format!("post {}", node.id));
}

#[receiver(node_post_delete, after_commit)]
fn gone(node: &Node, #[state] trace: &Trace) {
    trace.note(format!("gone {}", node.id));
}

fn retitled(title: &str) -> NodeChanges {
    NodeChanges {
        title: Some(title.to_owned()),
    }
}

/// Three, each the child of the one before.
fn opened(more: &str) -> Option<(Database, Session, Trace)> {
    let database = Database::empty()?;
    let mut connection = database.connection();
    let table = format!(
        "CREATE TABLE nodes (id INTEGER PRIMARY KEY, parent INTEGER {more}, title VARCHAR(50) NOT NULL)"
    );
    connection.batch_execute(&table).unwrap();
    connection
        .batch_execute(
            "INSERT INTO nodes VALUES (0, 0, 'root'), (1, 0, 't'), (2, 1, 't'), (3, 2, 't')",
        )
        .unwrap();
    let trace = Trace::new();
    let session = database.session().with_state(trace.clone());
    Some((database, session, trace))
}

fn left(database: &Database) -> Vec<(i32, String)> {
    nodes::table
        .select((nodes::id, nodes::title))
        .filter(nodes::id.gt(0))
        .order(nodes::id)
        .load(&mut database.connection())
        .unwrap()
}

#[test]
fn each_row_that_a_receiver_deletes_is_told_once() {
    type Delete = fn(&mut Session) -> lback::Result<usize>;
    let deletes: [(&str, Delete, usize); 5] = [
        ("many", |it| Nodes.delete_many(it, [1, 2, 3]).map(|()| 1), 1),
        ("up", |it| Nodes.delete_many(it, [3, 2, 1]).map(|()| 1), 1),
        ("where", |it| Nodes.delete_where(it, nodes::id.gt(0)), 1),
        (
            "some",
            |it| Nodes.delete_where(it, nodes::id.eq_any([1, 3])),
            1,
        ),
        ("one", |it| Nodes.delete(it, 1).map(|()| 1), 1),
    ];
    for cascade in ["", "REFERENCES nodes(id) ON DELETE CASCADE"] {
        for (what, delete, count) in deletes {
            for is_nested in [false, true] {
                let Some((database, mut session, trace)) = opened(cascade) else {
                    return;
                };
                let deleted = if is_nested {
                    session.transaction(delete)
                } else {
                    delete(&mut session)
                };
                assert_eq!(deleted.unwrap(), count, "{what} {cascade}");
                assert_eq!(left(&database), [], "{what} {cascade}");
                let mut told = trace.take();
                told.sort();
                let once = ["gone 1", "gone 2", "gone 3", "post 1", "post 2", "post 3"];
                assert_eq!(told, once, "{what} {cascade}");
            }
        }
    }
}

/// What is told of a row is what became of it step by step: each `previous` is what was stored.
#[test]
fn a_row_that_a_receiver_changes_is_told_as_it_is_then() {
    type Update = fn(&mut Session, NodeChanges) -> lback::Result<usize>;
    let updates: [(&str, Update); 3] = [
        ("many", |it, to| {
            Nodes.update_many(it, [1, 2], to).map(|rows| rows.len())
        }),
        ("down", |it, to| {
            Nodes.update_many(it, [2, 1], to).map(|rows| rows.len())
        }),
        ("where", |it, to| {
            Nodes.update_where(it, nodes::id.eq_any([1, 2]), to)
        }),
    ];
    for (what, update) in updates {
        let Some((database, mut session, trace)) = opened("") else {
            return;
        };
        assert_eq!(update(&mut session, retitled("spread")).unwrap(), 2);
        let told = trace.take();
        let of_two: Vec<_> = told.iter().filter(|it| it.starts_with("2 ")).collect();
        assert_eq!(of_two, ["2 t->inner", "2 inner->spread"], "{what} {told:?}");
        let seen: Vec<_> = told.iter().filter(|it| it.starts_with("pre 2")).collect();
        let is_after = what != "down";
        let seen_last = if is_after { "pre 2 inner" } else { "pre 2 t" };
        assert_eq!(seen.last().unwrap().as_str(), seen_last, "{what} {told:?}");
        assert_eq!(left(&database)[1], (2, "spread".to_owned()));

        update(&mut session, retitled("by hand")).unwrap();
        let told = trace.take();
        assert!(
            told.contains(&"2 raw->by hand".to_owned()),
            "{what} {told:?}"
        );
    }
}

#[test]
fn and_so_is_the_row_itself() {
    let Some((database, mut session, trace)) = opened("") else {
        return;
    };
    Nodes.update(&mut session, 1, retitled("own")).unwrap();
    let told = ["pre 1 t", "pre 1 t", "1 t->first", "1 first->own"];
    assert_eq!(trace.take(), told);
    assert_eq!(left(&database)[0], (1, "own".to_owned()));
}

/// Which rows meet a condition is asked once, and who is gone by then is none of them; who asks for a row by its
/// key wants it.
#[test]
fn a_row_that_a_receiver_takes_away_is_not_updated() {
    for how in ["prune", "prune all"] {
        let Some((database, mut session, trace)) = opened("") else {
            return;
        };
        let changed = Nodes.update_where(&mut session, nodes::id.gt(0), retitled(how));
        assert_eq!(changed.unwrap(), 1, "{how}");
        assert_eq!(left(&database), [(1, how.to_owned())]);
        assert!(trace.take().contains(&format!("1 t->{how}")));
    }
    for keys in [[1, 2], [2, 1]] {
        let Some((database, mut session, _trace)) = opened("") else {
            return;
        };
        let changed = Nodes.update_many(&mut session, keys, retitled("prune all"));
        assert!(
            matches!(changed, Err(Error::NotFound { .. })),
            "{changed:?}"
        );
        assert_eq!(left(&database).len(), 3);
    }
}
