use std::error::Error as StdError;
use std::fmt;

use crate::receiver::{Place, Registration, SignalInfo};

/// All that is wrong with the registry.
#[derive(Debug)]
pub struct RegistryError {
    problems: Vec<Problem>,
}

impl RegistryError {
    pub(crate) fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// What is wrong, one entry a mistake.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the receivers cannot be put in order:")?;
        for problem in &self.problems {
            write!(f, "\n  - {problem}")?;
        }
        Ok(())
    }
}

impl StdError for RegistryError {}

/// One thing that is wrong with the registry.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// Two receivers of one signal have the same id.
    #[non_exhaustive]
    EqualIds {
        /// The signal.
        signal: &'static SignalInfo,
        /// Those with the same id.
        receivers: Vec<&'static Registration>,
    },
    /// Receivers that are each to run before the next, and the last before the first.
    #[non_exhaustive]
    Cycle {
        /// The signal.
        signal: &'static SignalInfo,
        /// Those that could not be placed.
        receivers: Vec<&'static Registration>,
    },
    /// Rows of a durable receiver could be another's: they have one id for signals of one name, or an
    /// `alias` is another's id.
    #[non_exhaustive]
    SharedId {
        /// The id.
        id: &'static str,
        /// Those who go by it.
        receivers: Vec<&'static Registration>,
    },
    /// `before` or `after` names a function that is no receiver of any signal.
    #[non_exhaustive]
    UnknownNeighbour {
        /// Who names it.
        receiver: &'static Registration,
        /// The path, as written.
        path: &'static str,
    },
    /// [`manual_registry!`](crate::manual_registry) names a function that is no receiver.
    #[non_exhaustive]
    NoReceiver {
        /// The function's path.
        function: &'static str,
    },
    /// [`expect_receivers!`](crate::expect_receivers) names a receiver that is not there.
    #[non_exhaustive]
    Expected {
        /// Its path or id, as written.
        receiver: &'static str,
        /// Whether the function itself was named: then its crate is linked.
        is_linked: bool,
        /// Where it was named.
        place: Place,
    },
    /// The linker dropped the constructors that register receivers.
    ConstructorsDropped,
}

/// What is no contradiction among receivers, and probably a mistake.
#[derive(Debug)]
#[non_exhaustive]
pub enum Warning {
    /// `before` or `after` names a receiver that is never called beside this one: it listens to none
    /// of the same signals in the same phase, so the order says nothing.
    #[non_exhaustive]
    UnrelatedNeighbour {
        /// Who names it.
        receiver: &'static Registration,
        /// The path, as written.
        path: &'static str,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnrelatedNeighbour { receiver, path } => write!(
                f,
                "{receiver} is ordered against `{path}`, which listens to none of the same signals \
                 in the same phase: the order has no effect"
            ),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EqualIds { signal, receivers } => {
                let id = receivers.first().map_or("", |receiver| receiver.id);
                write!(
                    f,
                    "{} receivers of `{signal}` have the id `{id}`:",
                    receivers.len()
                )?;
                for receiver in receivers {
                    write!(f, " {},", receiver.place)?;
                }
                let is_one_place = receivers.windows(2).all(|two| two[0].place == two[1].place);
                if is_one_place && receivers.iter().all(|it| it.has_default_id()) {
                    // A crate's own unit tests beside the crate, which another crate brings along.
                    let name = id.split("::").next().unwrap_or(id);
                    return write!(
                        f,
                        " the crate `{name}` is in this program twice, with all its receivers: as the \
                         crate whose unit tests these are, and as a dependency of another crate. \
                         Move these tests into its folder `tests`, where it is there once"
                    );
                }
                f.write_str(" give all but one of them `id = \"...\"`")
            }
            Self::SharedId { id, receivers } => {
                write!(f, "rows of the outbox with the id `{id}` could be of")?;
                for receiver in receivers {
                    write!(f, " `{}` ({}),", receiver.path, receiver.place)?;
                }
                f.write_str(" give each an `id` and `alias`es that no other has")
            }
            Self::Cycle { signal, receivers } => {
                write!(f, "`before` and `after` of `{signal}` run in a circle:")?;
                for receiver in receivers {
                    write!(f, " `{}` ({}),", receiver.id, receiver.place)?;
                }
                f.write_str(" take one of them away")
            }
            Self::UnknownNeighbour { receiver, path } => write!(
                f,
                "{receiver} is ordered against `{path}`, which is a function but no receiver: \
                 add `#[receiver(..)]` to it, or name another"
            ),
            Self::NoReceiver { function } => write!(
                f,
                "`{function}` is a function but no receiver: add `#[receiver(..)]` to it"
            ),
            Self::Expected {
                receiver,
                is_linked: true,
                place,
            } => write!(
                f,
                "`{receiver}`, which {place} expects, is a function but no receiver: add \
                 `#[receiver(..)]` to it"
            ),
            Self::Expected {
                receiver, place, ..
            } => {
                write!(
                    f,
                    "there is no receiver `{receiver}`, which {place} expects: is its id another?"
                )?;
                f.write_str(
                    " A crate that only stands in Cargo.toml is not linked, and its receivers are \
                     not there: write `use its_name as _;` in the program, or name the function by \
                     its path in `expect_receivers!`",
                )
            }
            Self::ConstructorsDropped => f.write_str(
                "no receiver is registered, because this program's constructors were dropped: \
                 a static library needs `--whole-archive`, WebAssembly a call of \
                 `__wasm_call_ctors`; where none of them can run, give the session a \
                 `manual_registry![..]`, with the feature `manual-registry` of `lback`",
            ),
        }
    }
}
