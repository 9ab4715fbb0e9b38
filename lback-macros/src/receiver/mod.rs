//! `#[receiver(signal, .., option, ..)]`

mod call;
mod check;
mod durable;
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

/// The function as it was, then its registrations or the mistakes. `by_hand` adds what makes it
/// known to `manual_registry!`.
pub(crate) fn expand(attr: TokenStream, item: &TokenStream, by_hand: bool) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let mut all = vec![parse::arguments(attr, &mut mistakes)];
    let mut function = match syn::parse2::<MaybeItemFn>(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            mistakes.absorb(parse::not_a_function(item, error));
            return beside(item, mistakes.finish(None));
        }
    };
    if by_hand {
        // What makes it known can be there only once, so the first attribute speaks for all.
        let further = parse::take_further(&mut function.attrs);
        all.extend(further.map(|attr| parse::arguments(attr, &mut mistakes)));
    }
    let checked: Vec<_> = all
        .iter()
        .map(|arguments| check::receiver(arguments, &function, &mut mistakes))
        .collect();
    let checked = mistakes.finish(Some(checked));
    // Beside a method there is no room for a type.
    let is_method = function.sig.receiver().is_some();
    let choice = (by_hand && !is_method)
        .then(|| expand::choice(&function, checked.as_deref().unwrap_or_default()));
    // Each attribute of a function has another number of them after it.
    let after = function
        .attrs
        .iter()
        .filter(|attr| parse::is_receiver(attr))
        .count();
    let registrations = checked.map(|all| {
        let numbered = (after..).zip(&all);
        numbered
            .map(|(number, receiver)| expand::registrations(receiver, number))
            .collect()
    });
    let function = parameter::without_marks(function).into_token_stream();
    let mut expansion = beside(&function, registrations);
    expansion.extend(choice);
    expansion
}
