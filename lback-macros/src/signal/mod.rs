//! `#[signal]`, `#[signal(pre)]`

mod check;
mod expand;
mod parse;
#[cfg(test)]
// `UPDATE_EXPECT=1` writes its raw strings so, and an expansion is as long as it is.
#[allow(clippy::needless_raw_string_hashes, clippy::too_many_lines)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;

use crate::mistake::{Mistakes, beside};

/// The struct as it was, then its signal or the mistakes.
pub(crate) fn expand(attr: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let (timing, is_any) = parse::timing(attr, &mut mistakes);
    let checked = mistakes
        .value(parse::arguments(item))
        .and_then(|arguments| check::signal(timing, arguments, &mut mistakes));
    let added = mistakes
        .finish(checked)
        .map(|signal| (expand::declaration(&signal, is_any), signal.is_must_use));
    match added {
        Ok((added, false)) => {
            let item = quote! {
                #[must_use = "a signal is heard only once it is sent: call `.send()`"]
                #item
            };
            beside(&item, Ok(added))
        }
        added => beside(item, added.map(|(added, _)| added)),
    }
}
