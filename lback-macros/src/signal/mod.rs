//! `#[signal]`, `#[signal(pre)]`

mod check;
mod expand;
mod parse;
#[cfg(test)]
// `UPDATE_EXPECT=1` writes its raw strings so, and an expansion is as long as it is.
#[allow(clippy::needless_raw_string_hashes, clippy::too_many_lines)]
mod tests;

use proc_macro2::TokenStream;

use crate::mistake::{Mistakes, beside};

/// The struct as it was, then its signal or the mistakes.
pub(crate) fn expand(attr: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let timing = parse::timing(attr, &mut mistakes);
    let checked = mistakes
        .value(parse::arguments(item))
        .and_then(|arguments| check::signal(timing, arguments, &mut mistakes));
    let added = mistakes
        .finish(checked)
        .map(|signal| expand::declaration(&signal));
    beside(item, added)
}
