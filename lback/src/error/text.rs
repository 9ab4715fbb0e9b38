//! What errors print, and where their causes are.

use std::error::Error as StdError;
use std::fmt;

use super::carried::{Carried, found};
use super::causes::causes;
use super::database::lacks_a_table;
use super::probe::{Found, tell};
use super::{Error, Veto};
use crate::care::text_of;
use crate::receiver::Registration;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tell(f, |is_last| found(self, is_last), |f| self.print(f))?;
        if f.alternate() {
            in_one_line(f, causes(self).skip(1))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        causes(self)
            .skip(1)
            .try_for_each(|error| write!(f, "\n  caused by: {}", text_of(error)))
    }
}

impl fmt::Display for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        tell(f, |_| Found::Veto(self.clone()), |f| self.print(f))
    }
}

impl StdError for Veto {}

/// An error and its causes in one line, for those who print nothing else of it.
pub(crate) struct Whole<'e>(pub(crate) &'e (dyn StdError + 'static));

impl fmt::Display for Whole<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text_of(self.0))?;
        in_one_line(f, causes(self.0).skip(1))
    }
}

fn in_one_line<'e>(
    f: &mut fmt::Formatter<'_>,
    mut causes: impl Iterator<Item = &'e (dyn StdError + 'static)>,
) -> fmt::Result {
    causes.try_for_each(|error| write!(f, ": {}", text_of(error)))
}

// An error tells its cause in its text or as its source. Here the text has it where it is what a
// person must read first, and where an error only gives the cause a place in the enum: then the
// source is that of the cause, as for `#[error(transparent)]`.
impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::ReceiverFailed { source, .. } | Self::ClosureFailed { source } => {
                Some(source.as_ref())
            }
            Self::Duplicate { source, .. }
            | Self::ForeignKey { source }
            | Self::CommitUnknown { source }
            | Self::Unreadable { source, .. } => Some(source),
            Self::Connection { source, .. } => source.source(),
            Self::Password(source) => source.source(),
            Self::Database(source) => source.source(),
            Self::Registry(error) => error.source(),
            Self::Vetoed { source, .. } => below_the_veto(source.as_deref()?),
            Self::Refused(_)
            | Self::Invalid(_)
            | Self::NotFound { .. }
            | Self::StateMissing { .. }
            | Self::NoRuntime { .. }
            | Self::AlreadyInTransaction
            | Self::TransactionAborted { .. }
            | Self::SessionBroken
            | Self::ReadOnly
            | Self::NestedTooDeep { .. }
            | Self::NotOutermost
            | Self::SessionSwapped
            | Self::Suppressed { .. }
            | Self::Stale { .. }
            | Self::NotUnique { .. }
            | Self::Ambiguous { .. }
            | Self::Recursion { .. }
            | Self::EffectLoop { .. }
            | Self::ChangeLoop { .. }
            | Self::TooManyChanges { .. }
            | Self::NoOutbox
            | Self::Unsupported { .. } => None,
        }
    }
}

fn below_the_veto<'e>(outer: &'e (dyn StdError + 'static)) -> Option<&'e (dyn StdError + 'static)> {
    let carried = Carried::by(outer)?;
    causes(outer).nth(carried.depth + 1)
}

impl Veto {
    // One sentence for each variant.
    #[allow(clippy::too_many_lines)]
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl Error {
    // One sentence for each variant.
    #[allow(clippy::too_many_lines)]
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vetoed {
                receiver,
                message,
                field,
                source,
            } => {
                let (message, field) = (message.clone(), field.clone());
                let veto = Veto { message, field };
                print_veto(
                    f,
                    receiver,
                    &veto,
                    source.as_deref().map(|source| source as _),
                )
            }
            Self::Refused(veto) => write!(f, "refused: {veto}"),
            Self::ReceiverFailed { receiver, .. } => write!(f, "{receiver} failed"),
            Self::Invalid(invalid) => write!(f, "{invalid}"),
            Self::Duplicate {
                field: Some(field), ..
            } => {
                write!(f, "a row with this {field} exists already")
            }
            Self::Duplicate { field: None, .. } => {
                f.write_str("a row with these values exists already")
            }
            Self::ForeignKey { .. } => f.write_str("a reference between rows is broken"),
            Self::NotFound {
                entity,
                key: Some(key),
            } => write!(f, "there is no {entity} with key {key}"),
            Self::NotFound { entity, key: None } => write!(f, "there is no such {entity}"),
            Self::Unreadable { entity, key, .. } => {
                write!(f, "the {entity} with key {key} cannot be read")
            }
            Self::StateMissing {
                receiver: Some(receiver),
                type_name,
            } => write!(
                f,
                "{receiver} asks for `#[state] {type_name}`, which this session does not have: \
                 add it with `session.with_state(..)`, or for a pool `Database::builder().with_state(..)`"
            ),
            Self::StateMissing {
                receiver: None,
                type_name,
            } => write!(
                f,
                "this session has no state `{type_name}`: add it with `session.with_state(..)`"
            ),
            Self::NoRuntime { receiver } => write!(
                f,
                "{receiver} is an `async fn`, and this session has no runtime for it: work through \
                 `database.run(..).await`, or give it one with `session.with_runtime(..)`"
            ),
            Self::AlreadyInTransaction => f.write_str(
                "the connection is already inside a transaction, whose end a session could not \
                 see: end it first, or begin it with `session.transaction(..)`; in a test, use \
                 `Session::for_test`",
            ),
            Self::TransactionAborted { reason, .. } => {
                write!(f, "the transaction has been aborted: {reason}")
            }
            Self::SessionBroken => f.write_str(
                "the session is broken, because a ROLLBACK failed or the connection was lost: \
                 make a new one",
            ),
            Self::ReadOnly => f.write_str("a write was refused inside `session.read(..)`"),
            Self::NestedTooDeep { limit } => write!(
                f,
                "more than {limit} transactions were opened inside each other: return from some, or \
                 raise the bound with `session.with_max_nesting(..)`"
            ),
            Self::NotOutermost => f.write_str(
                "this transaction must be the outermost, and another one is open: its end alone \
                 decides what is stored",
            ),
            Self::SessionSwapped => f.write_str(
                "another session stands where this one's transaction was begun, because the two \
                 changed places inside the closure; the transaction is not committed",
            ),
            Self::Stale { entity, key } => write!(
                f,
                "the {entity} with key {key} was updated since it was read: read it again"
            ),
            Self::NotUnique { entity, table } => write!(
                f,
                "a statement about one {entity} wrote several rows, and was undone: the key that \
                 `diesel::table!` declares for `{table}` is not unique in the database"
            ),
            Self::Ambiguous { entity, table } => write!(
                f,
                "several rows of `{table}` meet the condition that was to name one {entity}"
            ),
            Self::Suppressed { entity, key } => {
                write!(f, "the database did not write the {entity}")?;
                if let Some(key) = key {
                    write!(f, " with key {key}")?;
                }
                f.write_str(
                    ": a trigger or a rule suppressed it, or put something else in its place",
                )
            }
            Self::Recursion {
                limit,
                chain,
                signal,
            } => {
                write!(
                    f,
                    "receivers called each other more than {limit} levels deep: "
                )?;
                for link in chain {
                    write!(f, "{} -> `{}` ({}) -> ", link.signal, link.id, link.place)?;
                }
                f.write_str(signal)
            }
            Self::EffectLoop { limit, receiver } => {
                write!(
                    f,
                    "effects caused effects for more than {limit} generations"
                )?;
                match receiver {
                    Some(receiver) => write!(f, ", the last by {receiver}"),
                    None => f.write_str(", the last by a closure"),
                }
            }
            Self::ChangeLoop { limit, chain } => {
                write!(
                    f,
                    "what was told before the commit caused changes for more than {limit} rounds"
                )?;
                for (place, link) in chain.iter().enumerate() {
                    let before = if place == 0 { ": " } else { " -> " };
                    write!(
                        f,
                        "{before}{} -> `{}` ({})",
                        link.signal, link.id, link.place
                    )?;
                }
                Ok(())
            }
            Self::TooManyChanges { limit } => write!(
                f,
                "a transaction would have to remember the changes of more than {limit} rows: split \
                 it, mute what listens to them (`session.mute(..)`), or raise the bound with \
                 `session.with_max_changes(..)`"
            ),
            Self::ClosureFailed { .. } => {
                f.write_str("a closure failed that ran before the commit")
            }
            Self::CommitUnknown { .. } => {
                f.write_str("the answer to COMMIT was lost, so the data may be stored or not")
            }
            Self::Registry(error) => write!(f, "{error}"),
            Self::NoOutbox => f.write_str(
                "there is no table `lback_outbox`, in which rows for durable receivers are stored: call \
                 `migrate_outbox` of the database's module once, such as \
                 `lback::sqlite::migrate_outbox(&mut session)?`",
            ),
            Self::Unsupported { what } => write!(f, "not supported: {what}"),
            Self::Connection { what, source } => write!(f, "{what}: {source}"),
            Self::Password(source) => write!(f, "{source}"),
            Self::Database(source) => {
                write!(f, "database error: {source}")?;
                if lacks_a_table(source) {
                    f.write_str(
                        " (was it made? `migrate` of the database's module, such as \
                         `lback::sqlite::migrate(&mut session)?`, makes that of the built-in users; your own \
                         tables are made by your own migrations)",
                    )?;
                }
                Ok(())
            }
        }
    }
}

/// Who refused, on which way it came out, and why: the errors that carried the veto, down to it.
fn print_veto(
    f: &mut fmt::Formatter<'_>,
    receiver: &Registration,
    veto: &Veto,
    outer: Option<&(dyn StdError + 'static)>,
) -> fmt::Result {
    let by = format!("vetoed by {receiver}: ");
    f.write_str(&by)?;
    let carried = outer.and_then(|outer| Some((outer, Carried::by(outer)?)));
    let Some((outer, carried)) = carried else {
        return veto.print(f);
    };
    for error in causes(outer).take(carried.depth) {
        write!(f, "{}: ", text_of(error))?;
    }
    // That of an operation further in names the receiver itself.
    f.write_str(carried.text.strip_prefix(&by).unwrap_or(&carried.text))
}

/// A key as a person writes it: `9`, and not `UserId(9)`.
// Not public API. Used by generated code.
#[doc(hidden)]
pub fn text_of_key(key: &impl fmt::Debug) -> String {
    let mut text = format!("{key:?}");
    while let Some(inner) = inside_newtype(&text) {
        text = inner.to_owned();
    }
    text
}

/// What stands between the brackets of `Name(..)`, if that is all.
fn inside_newtype(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once('(')?;
    let is_name = name.starts_with(char::is_uppercase)
        && name
            .chars()
            .all(|char| char.is_alphanumeric() || char == '_');
    rest.strip_suffix(')').filter(|_| is_name)
}

#[cfg(test)]
mod tests {
    use super::text_of_key;

    #[test]
    fn a_key_is_written_without_the_names_of_its_types() {
        #[derive(Debug)]
        #[allow(dead_code)]
        struct Id<T>(T);
        assert_eq!(text_of_key(&Id(Id(9))), "9");
        assert_eq!(text_of_key(&Id("a(b)")), r#""a(b)""#);
        assert_eq!(text_of_key(&(Id(1), Id(2))), "(Id(1), Id(2))");
        assert_eq!(text_of_key(&"Id(1)"), r#""Id(1)""#);
    }
}
