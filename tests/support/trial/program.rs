//! What is done in a trial.

/// The users that are there before a program begins, all of them active.
pub const SEEDS: [&str; 5] = ["stays", "changes", "changes too", "goes", "goes too"];

/// Who listens to the repository of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearers {
    /// No receiver at all.
    Nobody,
    /// After-commit and after-rollback effects.
    Effects,
    /// Effects, and receivers that write in the same transaction: through the connection, and
    /// through the repository that called them.
    Writers,
    /// Effects, and an isolated receiver that writes.
    Isolated,
}

/// One operation of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Creates the user of this name.
    Create(&'static str),
    /// Deactivates a seed.
    Update,
    /// Deletes a seed.
    Delete,
    /// Creates two users.
    CreateMany,
    /// Deactivates two seeds.
    UpdateMany,
    /// Deletes two seeds.
    DeleteMany,
}

/// One step of a program.
#[derive(Clone, Debug)]
pub enum Step {
    /// An operation of the repository.
    Operation(Operation),
    /// A row in the table `notes`, by a statement of one's own through the connection.
    Note(&'static str),
    /// A transaction, or a savepoint inside one.
    Transaction(Vec<Step>),
    /// A step whose error is passed over.
    Try(Box<Step>),
    /// An error of the program's own.
    Fail,
}

/// Steps that are done one after the other; the first that fails and is not tried ends them.
#[derive(Clone, Debug)]
pub struct Program {
    /// What the program shows.
    pub name: &'static str,
    /// The operation that it is about.
    pub operation: Operation,
    /// Who listens.
    pub hearers: Hearers,
    /// What is done.
    pub steps: Vec<Step>,
}

impl Program {
    /// Whether anybody but the session uses its connection.
    pub fn lends(&self) -> bool {
        matches!(self.hearers, Hearers::Writers | Hearers::Isolated)
            || self.steps.iter().any(Step::lends)
    }
}

impl Step {
    fn lends(&self) -> bool {
        match self {
            Self::Note(_) => true,
            Self::Transaction(steps) => steps.iter().any(Self::lends),
            Self::Try(step) => step.lends(),
            Self::Operation(_) | Self::Fail => false,
        }
    }
}

impl std::fmt::Display for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            operation,
            name,
            hearers,
            ..
        } = self;
        write!(f, "{operation:?} {name}, heard by {hearers:?}")
    }
}

/// Every operation, for all hearers: alone, in a transaction, in a nested one that is caught, with
/// its error passed over inside a transaction, and in one that is rolled back.
pub fn programs() -> Vec<Program> {
    use Operation::{Create, CreateMany, Delete, DeleteMany, Update, UpdateMany};
    use Step::{Fail, Note, Transaction};

    let operations = [
        Create("new"),
        Update,
        Delete,
        CreateMany,
        UpdateMany,
        DeleteMany,
    ];
    let all = [
        Hearers::Nobody,
        Hearers::Effects,
        Hearers::Writers,
        Hearers::Isolated,
    ];
    let mut programs = Vec::new();
    for hearers in all {
        for operation in operations {
            let is_create = matches!(operation, Create(_) | CreateMany);
            if hearers == Hearers::Isolated && !is_create {
                continue;
            }
            let it = || Step::Operation(operation);
            let create = |name| Step::Operation(Create(name));
            let shapes = [
                ("alone", vec![it()]),
                (
                    "in a transaction",
                    vec![Transaction(vec![create("first"), it(), create("last")])],
                ),
                (
                    "in a nested transaction that is caught",
                    vec![Transaction(vec![
                        Note("lent"),
                        create("first"),
                        tried(Transaction(vec![create("inner"), it()])),
                        create("last"),
                    ])],
                ),
                (
                    "passed over",
                    vec![Transaction(vec![
                        tried(create("first")),
                        tried(it()),
                        tried(create("last")),
                    ])],
                ),
                (
                    "rolled back",
                    vec![tried(Transaction(vec![
                        create("first"),
                        tried(Transaction(vec![it(), Fail])),
                        Note("lent"),
                        Fail,
                    ]))],
                ),
            ];
            for (name, steps) in shapes {
                // These two shapes show nothing else for other operations, or for other hearers.
                let is_rare = matches!(name, "in a transaction" | "passed over");
                let is_basic = matches!(operation, Create(_) | Update);
                if is_rare && !(is_basic && hearers == Hearers::Nobody) {
                    continue;
                }
                programs.push(Program {
                    name,
                    operation,
                    hearers,
                    steps,
                });
            }
        }
    }
    programs
}

fn tried(step: Step) -> Step {
    Step::Try(Box::new(step))
}
