//! The attributes of `lback`, which re-exports and documents them with examples.
//!
//! Each is read in three steps: `parse` takes the tokens as they are written, `check` refuses what
//! has no meaning, all of it at once, and `expand` translates what is left.

use proc_macro::TokenStream;

mod item;
mod mistake;
mod name;
mod option;
mod receiver;
mod repository;
mod signal;
#[cfg(test)]
mod testing;

/// Binds a function to one or more signals.
#[proc_macro_attribute]
pub fn receiver(attr: TokenStream, item: TokenStream) -> TokenStream {
    receiver::expand(attr.into(), &item.into()).into()
}

/// Declares a signal and its arguments.
#[proc_macro_attribute]
pub fn signal(attr: TokenStream, item: TokenStream) -> TokenStream {
    signal::expand(attr.into(), &item.into()).into()
}

/// Makes a struct the repository of an entity.
#[proc_macro_attribute]
pub fn repository(attr: TokenStream, item: TokenStream) -> TokenStream {
    repository::expand(attr.into(), &item.into()).into()
}
