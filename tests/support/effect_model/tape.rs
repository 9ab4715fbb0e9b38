//! Trees from random bytes: what shrinks a tape shrinks its tree, for a tape that has run out says
//! zero, and zero is the least of everything.

use proptest::prelude::*;

use super::{End, Node, Script};

/// No deeper than this.
const DEEPEST: u32 = 9;

/// All trees, small ones and deep ones.
pub fn trees() -> impl Strategy<Value = Vec<Node>> {
    proptest::collection::vec(any::<u8>(), 60..400).prop_map(|bytes| {
        let mut tape = Tape {
            bytes: bytes.into_iter(),
            next_id: 1,
        };
        tape.nodes(0, 0)
    })
}

struct Tape {
    bytes: std::vec::IntoIter<u8>,
    next_id: u32,
}

impl Tape {
    /// Less than `below`.
    fn pick(&mut self, below: u8) -> u8 {
        self.bytes.next().unwrap_or_default() % below
    }

    fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// `effects` is how many of the levels above are effects.
    fn nodes(&mut self, depth: u32, effects: u32) -> Vec<Node> {
        let count = match depth {
            0 => 1 + self.pick(3),
            DEEPEST.. => 0,
            1..=2 => 1 + self.pick(2),
            3..=4 => [0, 1, 1, 1, 2, 2, 2, 3][usize::from(self.pick(8))],
            _ => [0, 1, 1, 2][usize::from(self.pick(4))],
        };
        (0..count).map(|_| self.node(depth + 1, effects)).collect()
    }

    fn node(&mut self, depth: u32, effects: u32) -> Node {
        match self.pick(9) {
            0..=3 => Node::Write {
                id: self.id(),
                swallow: self.pick(2) == 0,
                nested: self.rarely(depth, effects),
                isolated: self.rarely(depth, effects),
                effect: self.effect(depth, effects),
                lament: self.effect(depth, effects),
            },
            4..=6 => Node::Transaction {
                swallow: self.pick(2) == 0,
                inside: self.script(depth, effects),
            },
            7 => Node::OnCommit {
                id: self.id(),
                effect: self.effect(depth, effects),
            },
            _ => Node::OnRollback {
                id: self.id(),
                effect: self.effect(depth, effects),
            },
        }
    }

    fn script(&mut self, depth: u32, effects: u32) -> Script {
        let end = match self.pick(10) {
            0..=7 => End::Ok,
            8 => End::Error,
            _ => End::Panic,
        };
        let nodes = self.nodes(depth, effects);
        Script { nodes, end }
    }

    fn rarely(&mut self, depth: u32, effects: u32) -> Script {
        if self.pick(if depth < 3 { 4 } else { 2 }) == 0 {
            return Script {
                nodes: Vec::new(),
                end: End::Ok,
            };
        }
        self.script(depth, effects)
    }

    fn effect(&mut self, depth: u32, effects: u32) -> Script {
        if effects >= 4 {
            return Script {
                nodes: Vec::new(),
                end: End::Ok,
            };
        }
        self.rarely(depth, effects + 1)
    }
}
