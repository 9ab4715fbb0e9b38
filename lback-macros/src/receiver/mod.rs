//! `#[receiver(signal, .., option, ..)]`

mod check;
mod expand;
mod handler;
mod parameter;
mod parse;
mod placement;
#[cfg(test)]
// `UPDATE_EXPECT=1` writes its raw strings so, and an expansion is as long as it is.
#[allow(clippy::needless_raw_string_hashes, clippy::too_many_lines)]
mod tests;
mod valid;

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::item::MaybeItemFn;
use crate::mistake::{Mistakes, beside};

/// The function as it was, then its registrations or the mistakes.
pub(crate) fn expand(attr: TokenStream, item: &TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let arguments = parse::arguments(attr, &mut mistakes);
    let function = match syn::parse2::<MaybeItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            mistakes.absorb(parse::not_a_function(item, error));
            return beside(item, mistakes.finish(None));
        }
    };
    let checked = check::receiver(&arguments, &function, &mut mistakes);
    let added = mistakes
        .finish(Some(checked))
        .map(|receiver| expand::registrations(&receiver));
    beside(
        &parameter::without_state(function).into_token_stream(),
        added,
    )
}
