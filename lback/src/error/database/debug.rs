//! Diesel's error inside an error that hides it.
//!
//! `anyhow`'s box, `#[error(transparent)]` and their like pass on the text and the source of what
//! is inside them, and Diesel's error does not tell us that it is printed, as ours do. Its text
//! alone must decide nothing: anybody can write it. But its kind is still to be seen, in `Debug`:
//! a wrapper that derives it prints what it holds, and those that print something nicer print what
//! they hold under `{:#?}`, by convention. Words inside of quotes are not taken for it.
//!
//! An error that hides Diesel's, and has a `Debug` of its own that hides it too, is not seen.

use std::error::Error as StdError;
use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::is_transient;
use crate::care::unless_it_panics;
use crate::error::probe::Bounded;

/// Whether `error`, which is of unknown type, holds a failure that goes away by itself.
pub(crate) fn is_transient_inside(error: &(dyn StdError + 'static)) -> bool {
    let mut text = Bounded::default();
    // What does not fit is not read.
    if unless_it_panics(|| write!(text, "{error:#?}")).is_none() {
        return false;
    }
    let tokens = tokens(&text.0);
    tokens.windows(5).any(|window| match window {
        [
            Token::Word(error),
            Token::Mark('('),
            Token::Word(kind),
            Token::Mark(','),
            Token::Quoted(message),
        ] if error == "DatabaseError" => kind_called(kind).is_some_and(|kind| {
            is_transient(&DieselError::DatabaseError(kind, Box::new(message.clone())))
        }),
        _ => false,
    })
}

fn kind_called(name: &str) -> Option<DatabaseErrorKind> {
    let kinds = [
        DatabaseErrorKind::UniqueViolation,
        DatabaseErrorKind::ForeignKeyViolation,
        DatabaseErrorKind::UnableToSendCommand,
        DatabaseErrorKind::SerializationFailure,
        DatabaseErrorKind::ReadOnlyTransaction,
        DatabaseErrorKind::RestrictViolation,
        DatabaseErrorKind::NotNullViolation,
        DatabaseErrorKind::CheckViolation,
        DatabaseErrorKind::ExclusionViolation,
        DatabaseErrorKind::ClosedConnection,
        DatabaseErrorKind::Unknown,
    ];
    kinds.into_iter().find(|kind| format!("{kind:?}") == name)
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    /// A string, without its quotes.
    Quoted(String),
    Mark(char),
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' => tokens.push(Token::Quoted(quoted(&mut chars))),
            // A quote as a character would begin a string.
            '\'' if chars.peek() == Some(&'"') => {
                chars.next();
            }
            char if is_of_word(char) => {
                let mut word = String::from(char);
                while let Some(char) = chars.next_if(|&char| is_of_word(char)) {
                    word.push(char);
                }
                tokens.push(Token::Word(word));
            }
            char if char.is_whitespace() => {}
            char => tokens.push(Token::Mark(char)),
        }
    }
    tokens
}

fn is_of_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The rest of a string, up to its closing quote. What stands for characters that cannot be
/// printed is left as it is, but for the quote and the backslash.
fn quoted(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    while let Some(char) = chars.next() {
        match char {
            '"' => break,
            '\\' => match chars.next() {
                Some(char @ ('"' | '\\' | '\'')) => text.push(char),
                Some(char) => text.extend(['\\', char]),
                None => {}
            },
            char => text.push(char),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Token, tokens};

    #[test]
    fn strings_are_one_token_whatever_is_in_them() {
        let value = ('"', "a \"b\" (C, \\ 'd')", Some("e"));
        let expected = [
            Token::Mark('('),
            Token::Mark('\''),
            Token::Mark(','),
            Token::Quoted("a \"b\" (C, \\ 'd')".to_owned()),
            Token::Mark(','),
            Token::Word("Some".to_owned()),
            Token::Mark('('),
            Token::Quoted("e".to_owned()),
            Token::Mark(')'),
            Token::Mark(')'),
        ];
        assert_eq!(tokens(&format!("{value:?}")), expected);
    }
}
