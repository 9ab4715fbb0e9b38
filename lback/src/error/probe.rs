//! Asks an error of unknown type whether one of ours is inside it.
//!
//! Of such an error one sees its text, its `Debug` and its source. `anyhow`'s and `eyre`'s boxes,
//! `#[error(transparent)]`, `Box<E>` and `Arc<E>` pass on all three to the error inside them: its
//! text is theirs, and their source is *its* source. So who walks the sources meets everything but
//! that error. There is no list of such wrappers that is complete, and an enum that an application
//! wrote today cannot be on it.
//!
//! But a wrapper that passes on the text has our own code print it. While an error is asked, our
//! errors tell, when they are printed, that they are there, and what they are. What is found that
//! way is a value that the error really holds: a text that somebody made of a veto and kept, or a
//! veto that somebody took and answered with another error, prints nothing of ours.

use std::cell::Cell;
use std::error::Error as StdError;
use std::fmt::{self, Write};

use super::Veto;
use super::causes::source_of;
use crate::care::unless_it_panics;
use crate::receiver::Registration;

/// What an error of ours is, as far as those further out must know.
pub(super) enum Found {
    /// A veto whose receiver is not known yet.
    Veto(Veto),
    /// A veto, and who gave it.
    Vetoed(&'static Registration, Veto),
    /// [`Error::Recursion`](super::Error::Recursion).
    Recursion {
        limit: u32,
        chain: Vec<&'static Registration>,
        signal: &'static str,
    },
    /// [`Error::StateMissing`](super::Error::StateMissing).
    StateMissing {
        receiver: Option<&'static Registration>,
        type_name: &'static str,
    },
    /// Any other.
    Other { is_retryable: bool },
}

/// An answer to [`ask`].
pub(super) struct Answer {
    pub(super) found: Found,
    /// The text of the error that was asked.
    pub(super) text: String,
}

/// Who listens on this thread.
struct Ear {
    /// Whether the error that is asked has no source, so that nobody else will ask what is below
    /// the ones that are heard.
    is_last: bool,
    heard: Vec<(Found, String)>,
}

thread_local! {
    static EAR: Cell<Option<Ear>> = const { Cell::new(None) };
}

/// Puts an ear in place of the one that listens, if any. A thread that is ending has none.
fn listen(ear: Option<Ear>) -> Option<Ear> {
    EAR.try_with(|place| place.replace(ear)).ok().flatten()
}

/// Does what prints errors of ours without saying anything by it.
pub(super) fn in_silence<R>(work: impl FnOnce() -> R) -> R {
    let ear = listen(None);
    let result = work();
    listen(ear);
    result
}

/// Prints an error of ours, and tells what it is if somebody listens. `found` is told whether it
/// must look below the error too.
///
/// Inside of `print` nobody listens: what an error of ours prints of another is its own affair.
pub(super) fn tell(
    f: &mut fmt::Formatter<'_>,
    found: impl FnOnce(bool) -> Found,
    print: impl Fn(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    let Some(mut ear) = listen(None) else {
        return print(f);
    };
    let text = text_of(&Printed(print));
    let result = f.write_str(&text);
    ear.heard.push((found(ear.is_last), text));
    listen(Some(ear));
    result
}

/// The one of ours that `error` says it is.
///
/// An error tells its cause as its source or in its text, but not both. So it is one of ours if its
/// text is that one's and nothing else; or if it has no source, and the text holds just one. Text
/// around one of ours beside another source is a remark, not the cause.
pub(super) fn ask(error: &(dyn StdError + 'static)) -> Option<Answer> {
    let is_last = source_of(error).is_none();
    let heard = Vec::new();
    let outer = listen(Some(Ear { is_last, heard }));
    let mut text = Bounded::default();
    let printed = unless_it_panics(|| {
        // By convention `{:#}` prints the causes too: for those that do not show them as sources.
        if is_last {
            write!(text, "{error:#}")
        } else {
            write!(text, "{error}")
        }
    });
    let ear = listen(outer);
    // What does not fit is not read; of one that panics nothing is believed.
    let _ = printed?;
    let mut heard = ear?.heard.into_iter();
    let (Some((found, own)), None) = (heard.next(), heard.next()) else {
        return None;
    };
    let text = text.0;
    (is_last || text == own).then_some(Answer { found, text })
}

/// The text of an error, as far as it comes: `to_string` panics where `fmt` fails.
pub(super) fn text_of(error: &(impl fmt::Display + ?Sized)) -> String {
    let mut text = Bounded::default();
    let _ = write!(text, "{error}");
    text.0
}

/// A text that ends somewhere.
#[derive(Default)]
pub(super) struct Bounded(pub(super) String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        const MOST: usize = 64 * 1024;
        if self.0.len() + text.len() > MOST {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

struct Printed<F>(F);

impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Printed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}
