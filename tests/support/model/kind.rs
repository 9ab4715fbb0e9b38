//! What kinds of nodes there are, so that a test can ask whether it met all of them.

use super::{Act, End, Node, Reaction, TOO_SHORT, Through, Write};

/// Every kind that [`Model::kinds`](super::Model::kinds) may name.
pub const KINDS: [&str; 25] = [
    "create",
    "delete",
    "failure passed on",
    "failure swallowed",
    "invalid create",
    "post receiver fails",
    "post receiver panics",
    "post receiver uses the session",
    "post receiver vetoes",
    "pre receiver changes the data",
    "pre receiver fails",
    "pre receiver panics",
    "pre receiver uses the session",
    "pre receiver vetoes",
    "receiver does nothing",
    "transaction that commits",
    "transaction that fails",
    "transaction that panics",
    "update",
    "update without changes",
    "write with a post receiver only",
    "write with a pre receiver that has no session",
    "write with writing pre receivers only",
    "write with writing receivers",
    "write without receivers",
];

impl Node {
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        match self {
            Self::Transaction { end, reaction, .. } => vec![
                match end {
                    End::Ok => "transaction that commits",
                    End::Error => "transaction that fails",
                    End::Panic => "transaction that panics",
                },
                reaction.kind(),
            ],
            Self::Write {
                through,
                write,
                reaction,
                ..
            } => vec![write.kind(), through.kind(), reaction.kind()],
        }
    }
}

impl Write {
    fn kind(&self) -> &'static str {
        match self {
            Self::Create(TOO_SHORT, _) => "invalid create",
            Self::Create(..) => "create",
            Self::Update {
                rename: None,
                email: None,
                ..
            } => "update without changes",
            Self::Update { .. } => "update",
            Self::Delete(_) => "delete",
        }
    }
}

impl Through {
    fn kind(self) -> &'static str {
        match self {
            Self::Loud => "write with writing receivers",
            Self::Before => "write with writing pre receivers only",
            Self::After => "write with a post receiver only",
            Self::Gate => "write with a pre receiver that has no session",
            Self::Silent => "write without receivers",
        }
    }
}

impl Act {
    pub(super) fn kind(&self, is_pre: bool) -> &'static str {
        match (self, is_pre) {
            (Self::Nothing, _) | (Self::Change, false) => "receiver does nothing",
            (Self::Change, true) => "pre receiver changes the data",
            (Self::Veto, true) => "pre receiver vetoes",
            (Self::Veto, false) => "post receiver vetoes",
            (Self::Fail, true) => "pre receiver fails",
            (Self::Fail, false) => "post receiver fails",
            (Self::Panic, true) => "pre receiver panics",
            (Self::Panic, false) => "post receiver panics",
            (Self::Run(_), true) => "pre receiver uses the session",
            (Self::Run(_), false) => "post receiver uses the session",
        }
    }
}

impl Reaction {
    fn kind(self) -> &'static str {
        match self {
            Self::Swallow => "failure swallowed",
            Self::Pass => "failure passed on",
        }
    }
}
