//! The attribute and the struct as they are written.

use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser};
use syn::{Ident, Item, ItemStruct};

use crate::mistake::Mistakes;
use crate::option::comma;

/// Before or after what the signal is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    Pre,
    Post,
}

// nothing
// pre
// any, pre, any: with receivers of every entity
pub(super) fn timing(attr: TokenStream, mistakes: &mut Mistakes) -> (Timing, bool) {
    let (mut timing, mut is_any) = (None, false);
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            let word: Ident = input.parse()?;
            // Not public: a repository says it of its own signals.
            if word == "any" {
                is_any = true;
                if !comma(input)? {
                    break;
                }
                continue;
            }
            match (word == "pre", timing) {
                (true, None) => timing = Some(Timing::Pre),
                (true, Some(_)) => mistakes.add(&word, "`pre` is given twice; keep one"),
                (false, _) => mistakes.add(
                    &word,
                    format!(
                        "there is no option `{word}`; write `#[signal]`, or `#[signal(pre)]` for \
                         one that is sent before what it is about"
                    ),
                ),
            }
            if !comma(input)? {
                break;
            }
        }
        Ok(())
    };
    let parsed = parser.parse2(attr);
    mistakes.value(parsed);
    (timing.unwrap_or(Timing::Post), is_any)
}

/// The struct that lists a signal's arguments.
pub(super) fn arguments(item: &TokenStream) -> syn::Result<ItemStruct> {
    match syn::parse2::<Item>(item.clone())? {
        Item::Struct(arguments) => Ok(arguments),
        _ => Err(syn::Error::new(
            Span::call_site(),
            "`#[signal]` belongs on a struct whose fields are the signal's arguments",
        )),
    }
}
