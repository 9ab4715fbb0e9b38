//! The attributes of `lback`, which documents them where it re-exports them, so that the examples
//! there can use the framework.
//!
//! Each is read in three steps: `parse` takes the tokens as they are written, `check` refuses what
//! has no meaning, all of it at once, and `expand` translates what is left. The item always stays
//! in place, so that a mistake in an attribute is not one wherever the item is used.

// See `lback/docs/receiver.md`, `signal.md` and `repository.md`.
#![allow(missing_docs)]

use proc_macro::TokenStream;

mod item;
mod mistake;
mod name;
mod option;
mod receiver;
mod repository;
mod root;
mod signal;
#[cfg(test)]
mod testing;

#[proc_macro_attribute]
pub fn receiver(attr: TokenStream, item: TokenStream) -> TokenStream {
    let by_hand = cfg!(feature = "manual-registry");
    let (root, attr) = root::Root::take(attr.into());
    let expansion = receiver::expand(attr, &item.into(), by_hand);
    root.put_into(expansion).into()
}

#[proc_macro_attribute]
pub fn signal(attr: TokenStream, item: TokenStream) -> TokenStream {
    let (root, attr) = root::Root::take(attr.into());
    let expansion = signal::expand(attr, &item.into());
    root.put_into(expansion).into()
}

#[proc_macro_attribute]
pub fn repository(attr: TokenStream, item: TokenStream) -> TokenStream {
    let (root, attr) = root::Root::take(attr.into());
    let expansion = repository::expand(attr, &item.into(), root.is_given());
    root.put_into(expansion).into()
}
