//! The generator.

use proptest::prelude::*;

use super::{Act, End, Node, Reaction, TOO_SHORT, Through, Write};

/// Trees, most of them five levels deep and deeper.
pub fn trees() -> impl Strategy<Value = Vec<Node>> {
    let spine = (6_u32..=8).prop_flat_map(spine);
    (
        prop::collection::vec(bush(1), 0..4),
        spine,
        prop::collection::vec(bush(1), 0..3),
    )
        .prop_map(|(before, spine, after)| joined(before, spine, after))
}

/// A chain of levels, with more beside it at each. The rare leaf is what a tree shrinks to.
fn spine(depth: u32) -> BoxedStrategy<Node> {
    if depth == 0 {
        return leaf().boxed();
    }
    let beside = prop::collection::vec(bush(1), 0..3);
    let after = prop::collection::vec(bush(1), 0..2);
    let inside = (beside, spine(depth - 1), after)
        .prop_map(|(before, spine, after)| joined(before, spine, after));
    prop_oneof![1 => leaf(), 60 => level(inside.boxed())].boxed()
}

fn bush(depth: u32) -> BoxedStrategy<Node> {
    if depth == 0 {
        return leaf().boxed();
    }
    let inside = prop::collection::vec(bush(depth - 1), 0..3);
    prop_oneof![6 => leaf(), 2 => level(inside.boxed())].boxed()
}

fn joined(mut before: Vec<Node>, middle: Node, after: Vec<Node>) -> Vec<Node> {
    before.push(middle);
    before.extend(after);
    before
}

/// A node with others inside. Its write is a create most of the time, and its other receiver
/// quiet, or else the inside would seldom be reached.
fn level(inside: BoxedStrategy<Vec<Node>>) -> BoxedStrategy<Node> {
    let write = || prop_oneof![1 => write().boxed(), 4 => create().boxed()];
    let act = || prop_oneof![4 => Just(Act::Nothing).boxed(), 1 => act().boxed()];
    let transaction =
        (inside.clone(), end(), reaction()).prop_map(|(nodes, end, reaction)| Node::Transaction {
            nodes,
            end,
            reaction,
        });
    let through = prop_oneof![Just(Through::Loud), Just(Through::Before)];
    let in_pre = (through, write(), inside.clone(), act(), reaction()).prop_map(
        |(through, write, nodes, post, reaction)| Node::Write {
            through,
            write,
            pre: Act::Run(nodes),
            post,
            reaction,
        },
    );
    let through = prop_oneof![Just(Through::Loud), Just(Through::After)];
    let in_post = (through, write(), act(), inside, reaction()).prop_map(
        |(through, write, pre, nodes, reaction)| Node::Write {
            through,
            write,
            pre,
            post: Act::Run(nodes),
            reaction,
        },
    );
    prop_oneof![5 => transaction, 2 => in_pre, 2 => in_post].boxed()
}

fn leaf() -> impl Strategy<Value = Node> {
    let through = prop_oneof![
        1 => Just(Through::Silent),
        1 => Just(Through::Gate),
        1 => Just(Through::After),
        1 => Just(Through::Before),
        2 => Just(Through::Loud),
    ];
    (through, write(), act(), act(), reaction()).prop_map(
        |(through, write, pre, post, reaction)| Node::Write {
            through,
            write,
            pre,
            post,
            reaction,
        },
    )
}

/// Created more often than deleted, so that there is something to work on.
fn write() -> impl Strategy<Value = Write> {
    let rename = prop_oneof![3 => Just(None), 1 => (0..=TOO_SHORT).prop_map(Some)];
    let email = prop_oneof![1 => Just(None), 2 => (0_u8..3).prop_map(Some)];
    prop_oneof![
        8 => create(),
        1 => (0_u8..3).prop_map(|email| Write::Create(TOO_SHORT, email)),
        5 => (0..TOO_SHORT, rename, email).prop_map(|(who, rename, email)| Write::Update {
            who,
            rename,
            email,
        }),
        2 => (0..TOO_SHORT).prop_map(Write::Delete),
    ]
}

fn create() -> impl Strategy<Value = Write> {
    (0..TOO_SHORT, 0_u8..3).prop_map(|(who, email)| Write::Create(who, email))
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => Just(Act::Nothing),
        2 => Just(Act::Change),
        1 => Just(Act::Veto),
        1 => Just(Act::Fail),
        1 => Just(Act::Panic),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![4 => Just(End::Ok), 1 => Just(End::Error), 1 => Just(End::Panic)]
}

fn reaction() -> impl Strategy<Value = Reaction> {
    prop_oneof![11 => Just(Reaction::Swallow), 1 => Just(Reaction::Pass)]
}
