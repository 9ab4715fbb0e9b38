use std::error::Error as StdError;
use std::fmt;

use crate::receiver::{Registration, SignalInfo};

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
    /// The linker dropped the constructors that register receivers.
    ConstructorsDropped,
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
                f.write_str(" give all but one of them `id = \"...\"`")
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
            Self::ConstructorsDropped => f.write_str(
                "no receiver is registered, because this program's constructors were dropped: \
                 a static library needs `--whole-archive`, WebAssembly a call of \
                 `__wasm_call_ctors`; where none of them can run, give the session a \
                 `manual_registry![..]`, with the feature `manual-registry` of `lback`",
            ),
        }
    }
}
