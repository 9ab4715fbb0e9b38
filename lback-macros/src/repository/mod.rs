//! `#[repository(entity = Post, table = posts, ..)]`

mod change;
mod check;
mod expand;
mod parse;
mod part;
#[cfg(test)]
// `UPDATE_EXPECT=1` writes its raw strings so, and an expansion is as long as it is.
#[allow(clippy::needless_raw_string_hashes, clippy::too_many_lines)]
mod tests;

use proc_macro2::TokenStream;

use crate::mistake::{Mistakes, beside};

/// The struct as it was, then its signals and statements, or the mistakes.
///
/// `has_root` says that the runtime is elsewhere than usual, which the signals must be told, too.
pub(crate) fn expand(attr: TokenStream, item: &TokenStream, has_root: bool) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let options = parse::options(attr, &mut mistakes);
    let checked = mistakes
        .value(parse::repository(item))
        .and_then(|item| check::repository(options, item, &mut mistakes));
    let added = mistakes
        .finish(checked)
        .map(|repository| expand::repository(&repository, has_root));
    beside(item, added)
}
